"""The entry points as programs: quick to refuse, and Hydra's sweeps.

| mutant | fails |
|---|---|
| train.py imports experiment.run.training at its top | test_answers_without_jax |
| entry.begin() stands below the imports | test_signals_count_before_the_imports |
"""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from s5rl import core_names
from tests import fresh
from tests.fresh import ROOT

HEAVY = ("jax", "flax", "gymnax", "distrax", "matplotlib", "optax")
PROGRAM = """
import sys
import {module}
sys.argv = ["{module}.py", *sys.argv[1:]]
from experiment import entry
status = entry.status_of({module}.main)
print(*[name for name in {heavy} if name in sys.modules], sep=",", file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    ("module", "arguments", "status"),
    [
        ("train", ["--help"], 0),
        ("train", ["agent.num_envs=12"], 2),
        ("train", ["env.memry=3"], 2),
        ("train", ["resume=no/such"], 2),
        ("evaluate", ["--help"], 0),
        ("evaluate", ["run=no/such"], 2),
        ("compare", ["--help"], 0),
        ("compare", ["runs=no/such"], 2),
    ],
)
def test_answers_without_jax(module, arguments, status):
    """JAX and gymnax take seconds to import; help and errors must not wait for them."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module, heavy=HEAVY), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stderr
    *errors, imported = done.stderr.splitlines()
    assert imported == "", imported
    assert len(errors) == (1 if status else 0)
    assert bool(done.stdout) == (status == 0)


@pytest.mark.parametrize("program", ["train.py", "evaluate.py", "compare.py"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP"])
def test_signals_count_before_the_imports(program, name):
    """Nothing slow is there yet: it waits where a fault is asked for."""
    number = getattr(signal, name)
    process = subprocess.Popen(
        [*fresh.FOREGROUND, sys.executable, "-X", "importtime", program],
        cwd=ROOT,
        env=os.environ | {"S5RL_FAULT": "begun=wait"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "experiment.entry" not in (line := process.stderr.readline()):
        assert line, "it ended without waiting"
    time.sleep(0.5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors.endswith(f"{name}: stopped.\n") and "Traceback" not in errors
    assert "hydra" not in errors and "jax" not in errors


def test_help_lists_every_key_and_choice():
    done = subprocess.run(
        [sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    for word in ("memory_length", "num_envs", "dt_min", "total_steps", "resume=",
                 "gymnax/", "env.history", *core_names()):  # fmt: skip
        assert word in done.stdout, word


def test_a_network_that_no_memory_holds_is_refused_before_it_is_made(tmp_path):
    done = subprocess.run(
        [sys.executable, "train.py", "core=gru", "core.features=65536",
         f"run_dir={tmp_path}/new"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: this run takes at least")
    assert "lower core.features (65,536)" in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "new").exists()


TINY = (
    "env.memory_length=2",
    "core=mlp",
    "core.features=4",
    "core.num_layers=1",
    "agent.num_envs=2",
    "agent.num_minibatches=1",
    "agent.epochs=1",
    "agent.encoder_sizes=[]",
    "agent.head_sizes=[]",
    "total_steps=30",
)


@pytest.mark.slow  # compiles an agent twice
def test_multirun_trains_every_combination_that_can_be(tmp_path):
    """From another folder than the checkout, too; `run_dir` holds a folder for each."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "--multirun", "seed=0,-1,1", *TINY,
         "run_dir=runs/both"],
        cwd=tmp_path,
        env=os.environ
        | {
            "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "1 of 3 jobs failed:\n  seed=-1: bad input: seed must lie" in done.stderr
    read = [
        (tmp_path / f"runs/both/seed={seed}/metrics.csv").read_text() for seed in "01"
    ]
    assert read[0] != read[1]
    summary = json.loads((tmp_path / "runs/both/seed=1/summary.json").read_text())
    assert summary["env_steps"] == 30 and summary["core"] == "mlp"


def test_multirun_stops_at_bad_input_with_status_2(tmp_path):
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "--multirun", "seed=0,1", "sede=3"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "sede" in done.stderr
    assert not (tmp_path / "runs").exists()
