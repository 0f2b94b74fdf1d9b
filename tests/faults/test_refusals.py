"""Command lines that cannot be meant, in real processes.

| mutant | fails |
|---|---|
| an OSError of a path is let through | both |
| experiment.run.training is imported at train.py's top | test_a_dozen_* |
| a value's type is not checked | both |
"""

import os
import subprocess
import sys

import pytest

from tests.faults import refusals
from tests.fresh import ROOT

LONG = "x" * 300
DOZEN = [
    ("train.py", "core=[1,2]"),
    ("train.py", "--env", "memory_chain"),
    ("train.py", "run_dir="),
    ("train.py", "agent.learning_rate=${oc.env:HOME}"),
    ("train.py", "--multirun", "core=s5,gru", "gamma=0.9"),
    ("train.py", "env=popgym_battleship_easy", "env.board_size=x"),  # asks the class
    ("train.py", "run_dir=/dev/null/x"),
    ("evaluate.py", f"run={LONG}"),
    ("compare.py", f"runs={LONG}"),
    ("compare.py", "runs=a", "out="),
    ("-m", "envs", "memory_chain", "memory_length=[1]", "out=x.png"),
    ("-m", "envs", "gymnax/CartPole-v1", "gravity=1e39", "out=x.png"),
]


@pytest.mark.thinned(3)
@pytest.mark.parametrize("line", DOZEN, ids=lambda line: " ".join(line)[:40])
def test_a_dozen_are_refused(tmp_path, line):
    program, *arguments = line
    if program.endswith(".py"):
        program = str(ROOT / program)
    done = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_lines_are_drawn_from_every_entry_point(tmp_path):
    lines = list(refusals.drawn(400, 0, refusals.make_runs(tmp_path)))
    assert len({*lines}) == 400
    assert {line.program for line in lines} == {
        *("train", "evaluate", "compare", "envs.__main__")
    }


@pytest.mark.faults
def test_a_thousand_are_refused():
    """About three minutes on two cores."""
    found = refusals.refuse(1000)
    assert found.trials == 1000 and not found.wrong
