"""The benchmarks run, and what they compare computes the same.

A ratio between two programs that disagree would mean nothing.

    mutant                                 | the test that failed: test_…
    -------------------------------------- | ----------------------------------------
    the textbook forgets the carry         | every_method_equals_the_textbook
    the textbook's outputs are not doubled | our_stack_equals_the_textbook
"""

import json
from functools import partial

import chex
import jax
import pytest

from benchmarks import core, recurrence, tracing
from benchmarks.measure import take_turns

CLOSE = {"rtol": 1e-3, "atol": 1e-3}  # float32, sums over all steps
pytestmark = [
    pytest.mark.lenient,  # the textbook is written as textbooks are
    pytest.mark.usefixtures("quick_compilation"),
]


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", recurrence.PASSES)
def test_every_method_equals_the_textbook(name):
    arguments = recurrence.inputs(length=6, batch=3, states=4)
    results = {
        method: jax.jit(partial(recurrence.PASSES[name], run))(*arguments)
        for method, run in recurrence.METHODS.items()
    }
    want = results.pop("textbook")
    for got in results.values():
        chex.assert_trees_all_close(got, want, **CLOSE)


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", core.PASSES)
def test_our_stack_equals_the_textbook(name):
    stack, runs = core.stacks(features=6, state_size=8, num_layers=2)
    params, _, x, reset = core.inputs(stack, 1 if name == "acting" else 5, 3)
    zeros = stack.initial_carry(3)
    keys = jax.random.split(jax.random.key(5), len(zeros))
    carry = tuple(
        jax.random.normal(key, state.shape, state.dtype)
        for key, state in zip(keys, zeros, strict=True)
    )
    want, got = (
        jax.jit(partial(core.PASSES[name], run))(params, carry, x, reset)
        for run in runs.values()
    )
    chex.assert_trees_all_close(got, want, **CLOSE)


SHORT = ["--length", "2", "--batch", "2", "--states", "4", "--repeat", "1"]


@pytest.mark.parametrize(
    ("benchmark", "flags", "lines"),
    [
        pytest.param(recurrence, SHORT, 6, id="recurrence"),
        pytest.param(
            *(core, [*SHORT, "--features", "4", "--layers", "1"], 6),
            id="core",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_short_run_prints_its_measurements(benchmark, flags, lines, capsys):
    benchmark.main(flags)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == lines
    for row in rows:
        assert row["seconds"] > 0 and row["compile_seconds"] > 0
        assert row["B"] == 2 and row["T"] == (1 if row["pass"] == "acting" else 2)
        assert {"jax", "device", "cpus", "commit", "dtype", "repeat"} <= set(row)
        if row["method"] == "textbook":
            assert row["ratio_to_textbook"] == 1


@pytest.mark.slow  # tests/s5rl/cores/test_tracing.py counts them by default
def test_a_short_run_counts_eigendecompositions(capsys):
    tracing.main([*SHORT, "--features", "4", "--layers", "2"])
    first, later = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first["seconds"] > 0 and later["seconds"] > 0
    assert first["eigendecompositions"] <= 1 and later["eigendecompositions"] == 0
    assert {"jax", "device", "cpus", "commit", "layers", "repeat"} <= set(later)


@pytest.mark.parametrize(("warm", "round_"), [(False, "ab"), (True, "aabb")])
def test_programs_take_turns(warm, round_):
    """A round to warm up, and of a round that is timed each program's last run."""
    calls = []
    programs = {name: partial(calls.append, name) for name in "ab"}
    seconds = take_turns(programs, repeat=2, warm=warm)
    assert "".join(calls) == 3 * round_
    assert {name: len(taken) for name, taken in seconds.items()} == {"a": 2, "b": 2}
