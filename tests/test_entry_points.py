"""The entry points as programs: quick to refuse, and Hydra's sweeps.

| mutant | fails |
|---|---|
| train.py imports experiment.run.training at its top | test_answers_without_jax |
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
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


def test_help_lists_every_key_and_choice():
    done = subprocess.run(
        [sys.executable, "train.py", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    for word in ("memory_length", "num_envs", "dt_min", "total_steps", "resume=",
                 "gymnax/", "s5|gru|lstm|mlp", "env.history"):  # fmt: skip
        assert word in done.stdout, word


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
def test_multirun_trains_every_combination(tmp_path):
    """From another folder than the checkout, too."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "--multirun", "seed=0,1", *TINY,
         "run_dir=runs/of-seed-${seed}"],
        cwd=tmp_path,
        env=os.environ
        | {
            "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        },
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    read = [
        (tmp_path / f"runs/of-seed-{seed}/metrics.csv").read_text() for seed in "01"
    ]
    assert read[0] != read[1]
    summary = json.loads((tmp_path / "runs/of-seed-1/summary.json").read_text())
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
