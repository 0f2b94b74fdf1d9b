"""Cores inside `jax.shard_map`: parameters on every device, lanes divided among two.

mutant                                 | the test that failed: test_…
-------------------------------------- | ----------------------------------------
arguments do not vary alike            | gradients_equal_those_of_one_device
GRU, LSTM: a fresh carry is scanned    | gradients_equal_those_of_one_device
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import s5rl

ROOT = Path(__file__).parents[3]
CASES = [
    pytest.param((name,), marks=pytest.mark.slow, id=name)
    for name in s5rl.core_names()
    if name != "s5"
]
CASES += [
    pytest.param(
        ("s5", f"method={method}", "state_size=4", "num_layers=1"),
        id=method,
        marks=marks,
    )
    for method, marks in (
        ("sequential", ()),
        ("associative", pytest.mark.slow),
        ("kernel", pytest.mark.slow),
    )
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_gradients_equal_those_of_one_device(case):
    """In a program of its own: devices are simulated before JAX is there."""
    done = subprocess.run(
        [sys.executable, "tests/s5rl/cores/sharded.py", *case],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    differences = json.loads(done.stdout)
    assert differences.keys() == {"whole", "acting", "fresh", "scanned_for_seeds"}
    # Rounding: sums over lanes in another order. One left out would change a half.
    assert max(differences.values()) < 1e-4, differences
