"""Brax: ours is the bare suite's, and what ends an episode is told apart.

Mutants, and the test written to fail for each (not all tried yet):

    truncated is the suite's done              bare_suites
    final_observation is the auto-reset one    bare_suites
    an action goes on after the body's end     repeated
    the last reward of a repeat alone          repeated
    the limit counts steps of the suite        repeated_action_shortens
    NaN is let through                         blown_up
"""

import functools
import importlib.util
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from tests.envs.suites import beside

pytestmark = [
    pytest.mark.suites,
    pytest.mark.skipif(
        importlib.util.find_spec("brax") is None, reason="needs the extra brax"
    ),
    pytest.mark.filterwarnings("ignore:JAXopt is no longer:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Brax System, piplines:UserWarning"),
    pytest.mark.filterwarnings("ignore:Accessing `.*` directly:DeprecationWarning"),
    pytest.mark.usefixtures("quick_compilation"),
]


def bare(name, **arguments):
    """`reset` and `step` of the suite's own environment, made by the suite."""
    from brax import envs as brax_envs

    env = brax_envs.get_environment(name, **arguments)

    def reset(key):
        state = env.reset(key)
        return state.obs, state

    def step(key, state, action):
        dtypes = jax.tree.map(lambda x: x.dtype, state)  # before its dicts are changed
        after = jax.tree.map(jnp.asarray, env.step(state, action), dtypes)
        return after.obs, after, after.reward, after.done > 0, None

    return reset, step


@functools.cache
def pendulum(**params):
    return envs.make("brax/inverted_pendulum", **params)


def constant(*values, length, size):
    """[B, length, size]: a lane for each value."""
    return jnp.stack([jnp.full((length, size), value) for value in values])


@pytest.mark.lenient  # spring and positional add [3] to [N, 3]
@pytest.mark.parametrize(
    "name, backend, size",
    [
        ("inverted_pendulum", "generalized", 1),
        ("hopper", "spring", 3),
        ("reacher", "positional", 2),
    ],
)
def test_it_is_the_bare_suites_until_an_end_and_a_reset_after_it(name, backend, size):
    limit = 12
    env, params = envs.make(f"brax/{name}", backend=backend, max_steps_in_episode=limit)
    actions = constant(0.0, 1.0, length=30, size=size)
    played = beside.play(env, params, *bare(name, backend=backend), actions)
    space = env.observation_space(params)
    beside.assert_is_the_suites(played, space, limit, tolerance=1e-3)
    if name == "inverted_pendulum":
        # Left alone it stands until the clock. Pushed it falls: nothing is truncated.
        assert not played.terminated[0].any()
        assert played.terminated[1].any() and not played.truncated[1].any()


def test_an_action_is_repeated_up_to_the_bodys_end():
    env, params = pendulum(action_repeat=4)
    assert params.max_steps_in_episode == 250
    reset, step = (jax.jit(f) for f in bare("inverted_pendulum"))
    act = jax.jit(env.step_env)
    state = env.reset_env(jax.random.key(0), params)[1]
    _, state_theirs = reset(jax.random.key(0))
    push, rewards, ended = jnp.full(1, 0.1), [], False
    while not ended:
        reward = 0.0
        for _ in range(4):
            obs_theirs, state_theirs, one, ended, _ = step(None, state_theirs, push)
            reward += float(one)
            if ended:
                break
        obs, state, ours, terminated, _ = act(jax.random.key(1), state, push, params)
        np.testing.assert_allclose(obs, obs_theirs, atol=1e-4)
        assert float(ours) == reward and bool(terminated) == bool(ended)
        rewards.append(reward)
    assert rewards[0] == 4.0 and rewards[-1] < 4.0  # it fell within a repeat


def test_a_repeated_action_shortens_the_episode_that_much():
    assert pendulum()[1].max_steps_in_episode == 1000
    assert pendulum(action_repeat=3)[1].max_steps_in_episode == 334
    assert pendulum(action_repeat=3, max_steps_in_episode=7)[1] == env_params(7)


def env_params(steps):
    return pendulum()[0].default_params.replace(max_steps_in_episode=steps)


def test_a_simulation_that_has_blown_up_is_terminated_without_a_nan():
    env, params = pendulum()
    key, action = jax.random.key(0), jnp.zeros(1)
    _, state = env.reset(key, params)
    broken = state.inner.pipeline_state.replace(
        q=jnp.full_like(state.inner.pipeline_state.q, jnp.nan)
    )
    state = state.replace(inner=state.inner.replace(pipeline_state=broken))
    obs, state, reward, terminated, truncated, info = env.step(
        key, state, action, params
    )
    assert terminated and not truncated
    final = info["final_observation"]
    assert np.isfinite(final).all() and np.isfinite(reward)
    np.testing.assert_allclose(obs, env.reset(jax.random.split(key)[1], params)[0])
    assert not env.step(key, state, action, params)[3]


def test_what_the_constructor_takes_reaches_it():
    env, _ = envs.make("brax/hopper", healthy_z_range=[0.1, 9], n_frames=2)
    assert env.bare._healthy_z_range == (0.1, 9) and env.bare._n_frames == 2
    assert env.name == "brax/hopper"


@pytest.mark.parametrize(
    "params, words",
    [
        ({"bakend": "spring"}, "no parameter 'bakend'; did you mean 'backend'"),
        ({"backend": "sprong"}, "backend 'sprong'; did you mean 'spring'"),
        ({"action_repeat": 0}, "action_repeat must be positive; got 0"),
        ({"max_steps_in_episode": 0}, "must be a positive integer; got 0"),
    ],
)
def test_what_is_mistyped_is_refused(params, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        envs.make("brax/inverted_pendulum", **params)
