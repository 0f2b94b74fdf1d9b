"""MuJoCo Playground: ours is the bare suite's; only the clock ends an episode.

Mutants, and the test written to fail for each (not all tried yet):

    its time limit terminates                  bare_suites
    NaN is let through                         blown_up
    the configuration's repeat is not used     repeated
    impl is the suite's own                    configuration
    empty arrays are kept in the state         without_elements
"""

import functools
import importlib.util
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside

pytestmark = [
    pytest.mark.suites,
    pytest.mark.skipif(
        importlib.util.find_spec("mujoco_playground") is None,
        reason="needs the extra playground",
    ),
    pytest.mark.filterwarnings("ignore:JAXopt is no longer:DeprecationWarning"),
    pytest.mark.lenient,  # MJX adds [3] to [N, 3]
    pytest.mark.usefixtures("quick_compilation"),
]


@functools.cache
def make(name, **params):
    return envs.make(f"playground/{name}", **params)


def bare(name):
    """`reset` and `step` of the suite's own environment, made by the suite."""
    from mujoco_playground import dm_control_suite

    config = dm_control_suite.get_default_config(name)
    config.impl = "jax"
    env = dm_control_suite.load(name, config=config)

    def reset(key):
        state = env.reset(key)
        return state.obs, state

    def step(key, state, action):
        after = env.step(state, action)
        return after.obs, after, after.reward, after.done > 0, None

    return reset, step


def test_every_control_task_of_the_suite_has_a_name():
    from mujoco_playground import dm_control_suite

    assert set(SUITES["playground"].environments) == set(dm_control_suite.ALL_ENVS)


@pytest.mark.parametrize("name", ["CartpoleBalance", "PendulumSwingup", "PointMass"])
def test_it_is_the_bare_suites_until_the_limit_and_a_reset_after_it(name):
    env, params = make(name)
    assert params.max_steps_in_episode == 1000
    params = params.replace(max_steps_in_episode=5)
    actions = beside.random_actions(env, params, lanes=2, steps=12)
    played = beside.play(env, params, *bare(name), actions)
    space = env.observation_space(params)
    beside.assert_is_the_suites(played, space, 5, tolerance=1e-3)
    assert not played.terminated.any()


def test_a_simulation_that_has_blown_up_is_terminated_without_a_nan():
    env, params = make("PendulumSwingup")
    key, action = jax.random.key(0), jnp.zeros(1)
    _, state = env.reset(key, params)
    data = state.inner.data.replace(qpos=jnp.full_like(state.inner.data.qpos, jnp.nan))
    state = state.replace(inner=state.inner.replace(data=data))
    obs, state, reward, terminated, truncated, info = env.step(
        key, state, action, params
    )
    assert terminated and not truncated
    assert np.isfinite(info["final_observation"]).all() and np.isfinite(reward)
    fresh = env.reset(jax.random.split(key)[1], params)[0]
    np.testing.assert_allclose(obs, fresh, atol=1e-6)
    assert not env.step(key, state, action, params)[3]


def test_no_array_of_a_state_is_without_elements():
    env, params = make("PendulumSwingup")  # a checkpoint cannot hold one
    _, state = jax.eval_shape(env.reset, jax.random.key(0), params)
    assert all(leaf.size for leaf in jax.tree.leaves(state))
    whole = env._with_empty(state.inner)
    assert not all(leaf.size for leaf in jax.tree.leaves(whole))


def test_an_action_is_repeated_and_the_episode_shorter_for_it():
    env, params = make("PendulumSwingup", action_repeat=3)
    assert params.max_steps_in_episode == 334
    reset, step = (jax.jit(f) for f in bare("PendulumSwingup"))
    obs, state = env.reset_env(jax.random.key(0), params)
    _, theirs = reset(jax.random.key(0))
    action, total = jnp.ones(1), 0.0
    for _ in range(3):
        want, theirs, reward, _, _ = step(None, theirs, action)
        total += reward
    obs, _, reward, _, _ = jax.jit(env.step_env)(
        jax.random.key(1), state, action, params
    )
    np.testing.assert_allclose(obs, want, atol=1e-4)
    np.testing.assert_allclose(reward, total, atol=1e-5)


def test_parameters_reach_the_configuration():
    env, params = make("CartpoleBalance", ctrl_dt=0.02, max_steps_in_episode=9)
    assert env.bare.n_substeps == 2 and params.max_steps_in_episode == 9
    assert env.bare._config.impl == "jax" and env.name == "playground/CartpoleBalance"


@pytest.mark.parametrize(
    "params, words",
    [
        ({"ctrl_tt": 0.1}, "no parameter 'ctrl_tt'; did you mean 'ctrl_dt'"),
        ({"episode_length": 3}, "no parameter 'episode_length'"),
        ({"impl": "wrap"}, "impl 'wrap'; did you mean 'warp'"),
        ({"ctrl_dt": "fast"}, "ctrl_dt must be float; got 'fast'"),
        ({"action_repeat": 0}, "action_repeat must be positive; got 0"),
    ],
)
def test_what_is_mistyped_is_refused(params, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        envs.make("playground/CartpoleBalance", **params)
