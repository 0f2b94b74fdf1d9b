"""Our `step`, which resets only when it must, is gymnax's, which always does.

Mutants seen to fail here: keys split the other way round; a reset for all as soon as
one episode ends.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import environment

from envs.popgym import wrappers
from tests.envs.popgym import harness

NAMES = ["popgym_higher_lower_easy", "popgym_battleship_easy"]


def late(env, params, key):
    """A state so old that some actions end it and, in a batch, some do not."""
    _, state = env.reset(key, params)
    steps = jax.random.randint(key, (), 0, 3)
    return state.replace(time=params.max_steps_in_episode - 1 - steps)


@pytest.mark.parametrize(
    ("name", "batch", "wrap"),
    [
        (NAMES[0], (), lambda env: env),
        (NAMES[0], (2, 3), wrappers.PreviousAction),
        (NAMES[1], (4,), lambda env: env),
    ],
)
def test_it_is_gymnaxs_step_bit_for_bit(name, batch, wrap):
    env, params = harness.make(name)
    env = wrap(env)
    assert env.reset_is_costly

    def both(key):
        state = late(env, params, key)
        action = env.action_space(params).sample(key)
        ours = env.step(key, state, action, params)
        theirs = environment.Environment.step(env, key, state, action, params)
        return ours, theirs

    for _ in batch:
        both = jax.vmap(both)
    keys = jax.random.split(jax.random.key(0), (5, *batch))
    ends = 0
    for key in keys:
        ours, theirs = jax.jit(both)(key)
        jax.tree.map(np.testing.assert_array_equal, ours, theirs)
        ends += int(jnp.sum(ours[3] | ours[4]))
    assert 0 < ends < 5 * np.prod(batch)


def test_parts_of_a_batch_may_be_shared():
    env, params = harness.make(NAMES[0])
    state = late(env, params, jax.random.key(1))
    keys = jax.random.split(jax.random.key(2), 3)
    action = jnp.zeros((), jnp.int32)
    many = jax.vmap(env.step, (0, None, None, None))(keys, state, action, params)
    for i, key in enumerate(keys):
        one = env.step(key, state, action, params)
        jax.tree.map(
            lambda a, b, i=i: np.testing.assert_array_equal(a[i], b), many, one
        )


def test_without_an_end_nothing_is_shuffled():
    env, params = harness.make(NAMES[0])
    step = jax.vmap(jax.vmap(env.step, (0, 0, 0, None)), (0, 0, 0, None))
    keys = jax.random.split(jax.random.key(0), (2, 3))
    _, state = jax.vmap(jax.vmap(env.reset, (0, None)), (0, None))(keys, params)
    jaxpr = jax.make_jaxpr(step)(keys, state, jnp.zeros((2, 3), int), params)
    always, sometimes = primitives(jaxpr.jaxpr)
    assert "sort" in sometimes and "sort" not in always


def primitives(jaxpr):
    """Names of what always runs, and of what runs under a condition."""
    always, sometimes = set(), set()
    for equation in jaxpr.eqns:
        always.add(equation.primitive.name)
        for inner in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                below = primitives(inner)
                if equation.primitive.name == "cond":
                    sometimes |= below[0] | below[1]
                else:
                    always |= below[0]
                    sometimes |= below[1]
    return always, sometimes
