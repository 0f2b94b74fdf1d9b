"""Memory Chain: lengths, rewards and bounds, played to the end by known policies.

Mutants, and the test that fails for each:

    gymnax's limit of 1,000 steps        takes_memory_length
    gymnax's bounds; query bounded by 1  within_the_bounds
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs

pytestmark = pytest.mark.usefixtures("quick_compilation")

N = 64


def perfect(memory, obs, key):
    """Remembers the context of the first observation; answers the last one."""
    context = jnp.where(memory.any(), memory, obs[2:])
    query = jnp.round(obs[1]).astype(int)
    return context, (context[query] > 0).astype(int)


def memoryless(memory, obs, key):
    """Answers what it sees now."""
    return memory, (obs[2] > 0).astype(int)


def chance(memory, obs, key):
    return memory, jax.random.randint(key, (), 0, 2)


@functools.cache
def played(policy, memory_length, num_bits=1, **params):
    """One step more than the episodes take, of N lanes: [T, N] of everything."""
    env, params = envs.make(
        "memory_chain", memory_length=memory_length, num_bits=num_bits, **params
    )

    def step(now, key):
        obs, state, memory = now
        act_key, env_key = jax.random.split(key)
        memory, action = policy(memory, obs, act_key)
        after, state, reward, terminated, truncated, info = env.step(
            env_key, state, action, params
        )
        seen = (obs, reward, terminated, truncated, info["final_observation"], after)
        return (after, state, memory), seen

    def lane(key):
        obs, state = env.reset(key, params)
        start = (obs, state, jnp.zeros(num_bits))
        return jax.lax.scan(step, start, jax.random.split(key, memory_length + 1))[1]

    keys = jax.random.split(jax.random.key(0), N)
    out = jax.jit(jax.vmap(lane, out_axes=1))(keys)
    return env, params, *map(np.asarray, out)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("memory_length", [1, 2, 9, 999, 1000, 1200])
def test_an_episode_takes_memory_length_and_one_and_pays_at_its_end(memory_length):
    *_, reward, terminated, _, _, _ = played(perfect, memory_length)
    # Nothing ends before the last step, which ends every lane; and the clock of
    # gymnax, 1,000 steps, takes nothing away.
    assert not terminated[:-1].any() and terminated[-1].all()
    np.testing.assert_array_equal(reward[:-1], 0)
    np.testing.assert_array_equal(reward[-1], 1)


@pytest.mark.parametrize("num_bits", [1, 3])
def test_remembering_earns_exactly_one(num_bits):
    reward = played(perfect, 9, num_bits)[3]
    np.testing.assert_array_equal(reward.sum(0), 1)


@pytest.mark.parametrize("policy", [memoryless, chance])
def test_not_remembering_earns_nothing_on_average(policy):
    total = played(policy, 9)[3].sum(0)
    assert set(total) == {-1.0, 1.0}
    assert abs(total.mean()) < 0.4  # of a standard error of 1/8


def test_every_bit_is_asked_for_and_shown_at_the_start_only():
    _, _, obs, _, _, _, final, _ = played(perfect, 9, 3)
    context, query = obs[..., 2:], obs[..., 1]
    assert set(np.unique(context[:2])) == {-1.0, 1.0}
    np.testing.assert_array_equal(context[2:], 0)
    assert set(query[-1]) == {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(query[:-1], 0)
    # Bits are drawn apart from one another: all eight contexts come up.
    assert len(np.unique(context[0], axis=0)) == 8
    assert np.abs(final[-1, :, 2:]).max() == 0  # the answer is not given away


@pytest.mark.parametrize("num_bits", [1, 3])
def test_what_is_observed_lies_within_the_bounds(num_bits):
    env, params, obs, _, _, _, final, after = played(perfect, 9, num_bits)
    space = env.observation_space(params)
    assert space.shape == obs.shape[2:] == (num_bits + 2,)
    for seen in (obs, final, after):
        # Under jit the time left may end a rounding below zero: -7.5e-9 was seen.
        assert (seen >= np.asarray(space.low) - 1e-7).all()
        assert (seen <= np.asarray(space.high)).all()
    # And they are no wider than what is observed.
    np.testing.assert_array_equal(obs.min((0, 1))[1:], np.asarray(space.low)[1:])
    np.testing.assert_array_equal(obs.max((0, 1)), np.asarray(space.high))


def test_the_last_step_is_a_termination_and_begins_a_new_episode():
    *_, obs, _, terminated, _, final, after = played(perfect, 9)
    assert terminated[-1].all()
    np.testing.assert_array_equal(after[:-1], final[:-1])
    np.testing.assert_allclose(after[-1, :, 0], 1)
    assert (after[-1] != final[-1]).any(-1).all()
    assert (after[-1, :, 2] != obs[0, :, 2]).any()  # with a context of its own


def test_a_limit_beyond_the_end_cuts_nothing():
    *_, terminated, truncated, _, _ = played(perfect, 9, max_steps_in_episode=50)
    assert terminated[-1].all() and not truncated.any()


def test_a_limit_that_would_cut_the_reward_is_refused():
    with pytest.raises(ValueError, match=r"memory_length \(9\) .* \(9\)"):
        envs.make("memory_chain", memory_length=9, max_steps_in_episode=9)


@pytest.mark.parametrize("name", ["memory_length", "num_bits"])
def test_sizes_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be positive; got 0"):
        envs.make("memory_chain", **{name: 0})
