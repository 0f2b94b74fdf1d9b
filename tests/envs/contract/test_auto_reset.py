"""Our `step`, which resets only when it must, is gymnax's, which always does.

Mutants, and the test that fails for each:

    keys split the other way round                  bit_for_bit
    a reset for all as soon as one episode ends     without_an_end
    only the first chunk of lanes is reset          however_many
    lanes read from their first axis only           nested
    a lane's own params taken from another lane     own_params
"""

import functools

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


def gymnaxs(env, key, state, action, params):
    return environment.Environment.step(env, key, state, action, params)


def without_state(result):
    """A step's result without what only our `step` gives."""
    *rest, info = result
    return (*rest, {k: v for k, v in info.items() if k != "final_markov_state"})


@pytest.mark.thinned(4)
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
        return without_state(ours), gymnaxs(env, key, state, action, params)

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


def clocked(env, params, ends):
    """States of which exactly those of `ends` run out of time in the next step."""
    keys = jax.random.split(jax.random.key(1), ends.size)
    _, state = jax.vmap(env.reset, (0, None))(keys, params)
    time = jnp.where(ends.reshape(-1), params.max_steps_in_episode - 1, 3)
    state = state.replace(time=time.astype(jnp.int32))
    return jax.tree.map(lambda x: x.reshape(*ends.shape, *x.shape[1:]), state)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("shape", [(80,), (8, 10)], ids=["flat", "nested"])
def test_however_many_episodes_end_each_gets_its_own_reset(shape):
    """None, a chunk (16 lanes), more than one, more than can be few (20), all."""
    env, params = harness.make(NAMES[0])
    ours = env.step
    theirs = functools.partial(gymnaxs, env)
    for _ in shape:
        ours, theirs = (jax.vmap(f, (0, 0, None, None)) for f in (ours, theirs))
    ours, theirs = jax.jit(ours), jax.jit(theirs)
    keys = jax.random.split(jax.random.key(5), shape)
    for count in (0, 1, 16, 17, 20, 21, 80):
        ends = jax.random.permutation(jax.random.key(count), jnp.arange(80) < count)
        state = clocked(env, params, ends.reshape(shape))
        args = keys, state, jnp.zeros((), jnp.int32), params
        got = without_state(ours(*args))
        assert int((got[3] | got[4]).sum()) == count
        jax.tree.map(np.testing.assert_array_equal, got, theirs(*args))


@pytest.mark.slow
def test_old_style_keys_will_do():
    env, params = harness.make(NAMES[0])
    state = clocked(env, params, jnp.arange(24) < 4)
    typed = jax.random.split(jax.random.key(5), 24)
    step = jax.vmap(env.step, (0, 0, None, None))
    args = state, jnp.zeros((), jnp.int32), params
    jax.tree.map(
        np.testing.assert_array_equal,
        step(jax.random.key_data(typed), *args),
        step(typed, *args),
    )


@pytest.mark.slow
def test_lanes_may_have_their_own_params():
    env = type(harness.make("popgym_labyrinth_escape_easy")[0])(3, 3)
    pool = env.with_pool(jax.random.key(0), env.default_params, num_mazes=5)
    pools = pool.replace(
        mazes=jnp.stack([jnp.roll(pool.mazes, i, 0) for i in range(3)])
    )
    axes = type(pool)(max_steps_in_episode=None, mazes=0)
    ends = (jnp.arange(3 * 20) % 20 < 3).reshape(3, 20)
    state = clocked(env, pool, ends)
    keys = jax.random.split(jax.random.key(2), (3, 20))
    action = jnp.zeros((), jnp.int32)

    def over(step):
        inner = jax.vmap(step, (0, 0, None, None))
        return jax.jit(jax.vmap(inner, (0, 0, None, axes)))

    got = without_state(over(env.step)(keys, state, action, pools))
    want = over(functools.partial(gymnaxs, env))(keys, state, action, pools)
    jax.tree.map(np.testing.assert_array_equal, got, want)


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
                if equation.primitive.name in ("cond", "while"):
                    sometimes |= below[0] | below[1]
                else:
                    always |= below[0]
                    sometimes |= below[1]
    return always, sometimes
