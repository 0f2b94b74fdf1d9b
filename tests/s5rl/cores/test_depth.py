"""Layers as turns of one loop compute what they do one after another.

mutant                               | the test that failed: test_…
------------------------------------ | ----------------------------------------
a first layer of another width loops | a_loop_over_layers_equals… (its slow cases)
loops begin a layer later            | many_layers_are_a_loop_by_default…
all layers are drawn alike           | layers_of_a_loop_start_apart
every turn has the first carry       | a_loop_over_layers_equals_layers_apart
the loop is told of no reset         | a_loop_over_layers_equals_layers_apart
carries come back in reverse         | a_loop_over_layers_equals_layers_apart
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl
from s5rl.cores.stack import DEEP
from tests.s5rl.cores.members import SMALL
from tests.s5rl.cores.running import floats, run_and_gradients

T, B, H, ROUNDS = 5, 2, 8, 3
CLOSE = {"rtol": 2e-4, "atol": 2e-5}
# What differs is the stack's, and not the memory's: one that adds, and one that reads
# any width; the others are slow to compile.
CASES = [
    pytest.param(name, length, width, marks=() if quick else pytest.mark.slow)
    for name in SMALL
    for length, width, quick in (
        (T, H, name == "s5"),
        (T, 5, name == "gru"),
        (1, H, False),
        (1, 5, False),
    )
]


def made(name, **options):
    return s5rl.make_core(
        name, **SMALL[name] | {"features": H, "num_layers": ROUNDS} | options
    )


def apart(core, variables):
    """A scanned stack's parameters as those of layers with names of their own."""
    params = dict(variables["params"])
    rounds, size = params.pop("rounds"), len(core.parts()) // ROUNDS
    first = size if "layer_0" in params else 0
    count = (len(core.parts()) - first) // size
    for name, stacked in rounds.items():
        kind, _, index = name.rpartition("_")
        for turn in range(count):
            leaf = jax.tree.map(lambda x: x[turn], stacked)  # noqa: B023
            params[f"{kind}_{first + turn * size + int(index)}"] = leaf
    return {"params": params}


def inputs(core, width, length=T):
    rng = np.random.default_rng(width)
    x = jnp.asarray(rng.normal(size=(length, B, width)), jnp.float32)
    reset = jnp.asarray(rng.random((length, B)) < 0.3)
    carry = core.initial_carry(B)
    variables = jax.jit(core.init)(jax.random.key(1), carry, x, reset)
    # Whatever was remembered, and not zeros alone.
    carry, y = core.apply(variables, carry, x, reset & False)
    return variables, carry, x, reset, jnp.cos(jnp.arange(y.size).reshape(y.shape))


@pytest.mark.thinned(2)
@pytest.mark.parametrize(("name", "length", "width"), CASES)
def test_a_loop_over_layers_equals_layers_apart(name, length, width):
    scanned, written = (made(name, scan_layers=scan) for scan in (True, False))
    variables, carry, x, reset, y_bar = inputs(scanned, width, length)
    assert "rounds" in variables["params"]
    carry_bar = [jnp.ones_like(leaf) for leaf in floats(carry)]
    rest = carry, x, reset, carry_bar, y_bar
    (last, y), bars = run_and_gradients(scanned, variables, *rest)
    (want_last, want_y), want = run_and_gradients(
        written, apart(scanned, variables), *rest
    )
    bars = apart(scanned, bars[0]), *bars[1:]
    for got, expected in ((last, want_last), (y, want_y), (bars, want)):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, **CLOSE), got, expected
        )


def test_many_layers_are_a_loop_by_default_and_few_are_not():
    for layers in (DEEP - 1, DEEP):
        core = made("s5", num_layers=layers)
        variables, carry, x, reset, _ = inputs(core, H)
        assert ("rounds" in variables["params"]) == (layers >= DEEP)
        assert jax.tree.structure(core.apply(variables, carry, x, reset)[0]) == (
            jax.tree.structure(core.initial_carry(B))
        )


def test_layers_of_a_loop_start_apart():
    core = made("s5", scan_layers=True)
    variables = inputs(core, H)[0]
    drawn = variables["params"]["rounds"]["layer_0"]["ssm"]["input_matrix"]
    assert np.abs(drawn[0] - drawn[1]).max() > 0.1


@pytest.mark.slow
def test_the_program_does_not_grow_with_depth():
    """Twice the layers, the same equations but for those that gather and spread."""

    def size(layers):
        core = made("s5", num_layers=layers)
        variables, carry, x, reset, y_bar = inputs(core, H)

        def loss(variables):
            return jnp.sum(core.apply(variables, carry, x, reset)[1] * y_bar)

        return len(jax.jit(jax.grad(loss)).lower(variables).as_text().splitlines())

    small, large = size(2 * DEEP), size(4 * DEEP)
    assert large - small < 15 * 2 * DEEP  # lines a layer: its state in and out
    assert size(DEEP - 1) - size(DEEP - 2) > 100  # a layer that is written out
