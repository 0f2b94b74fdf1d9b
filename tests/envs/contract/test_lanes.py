"""Work for some lanes gives what work for all of them and a selection would.

Mutants, and the test that fails for each:

    a chunk forgets to leave its lanes out of the next   never returns
    the lanes past the end write to the last one         however_many
    most are computed, and then the chunks again         once
    nothing is skipped if nothing is chosen              without_a_chosen_lane
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.contract import lanes

SIZES = {"smallest": 4, "parts": 8}


def work(x, table):
    """Of one lane: a pytree, from something of its own and something shared."""
    return {"sum": x.sum() + table[0], "row": x * 2, "whole": jnp.int32(x[0])}


def operands(n):
    x = jnp.arange(n * 3, dtype=jnp.float32).reshape(n, 3)
    other = {
        "sum": -jnp.arange(n, dtype=jnp.float32),
        "row": jnp.full((n, 3), -1.0),
        "whole": jnp.arange(n, dtype=jnp.int32) - 1000,
    }
    return x, jnp.array([0.5, 7.0]), other


def ours(chosen, x, table, other):
    return lanes.where(chosen, work, (x, table), other, **SIZES)


def selected(chosen, x, table, other):
    return jax.tree.map(partial(jnp.where, chosen), work(x, table), other)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("shape", [(64,), (8, 8), (3,), (17,)])
def test_however_many_are_chosen_it_is_the_selection(shape):
    n = int(np.prod(shape))
    x, table, other = operands(n)
    functions = [ours, selected]
    for _ in shape:
        functions = [jax.vmap(f, (0, 0, None, 0)) for f in functions]
    ours_, theirs = map(jax.jit, functions)
    rng = np.random.default_rng(n)
    for count in sorted({0, 1, 2, n // 8, n // 8 + 1, n // 2, 3 * n // 4 + 1, n}):
        chosen = jnp.asarray(rng.permutation(n) < count)
        lead = [
            jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), part)
            for part in (chosen, x, other)
        ]
        given = (lead[0], lead[1], table, lead[2])
        jax.tree.map(np.testing.assert_array_equal, ours_(*given), theirs(*given))


def counted(count, n=64):
    """How many lanes the work is done for when `count` of n are chosen."""
    done = []

    def noted(x):
        jax.debug.callback(lambda x: done.append(float(x)), x)
        return x + 1

    def one(chosen, x):
        return lanes.where(chosen, noted, (x,), x, **SIZES)

    chosen = jnp.arange(n) < count
    result = jax.jit(jax.vmap(one))(chosen, jnp.arange(float(n)))
    jax.block_until_ready(result)
    jax.effects_barrier()
    return len(done)


@pytest.mark.thinned(6)
@pytest.mark.parametrize(
    ("count", "expected"), [(1, 8), (8, 8), (9, 16), (48, 48), (49, 64), (64, 64)]
)
def test_work_is_done_once_in_whole_chunks(count, expected):
    assert counted(count) == expected


@pytest.mark.parametrize("n", [3, 64])
def test_nothing_is_done_without_a_chosen_lane(n):
    assert counted(0, n) == 0
