"""History: what it appends, and that it appends nothing across an automatic reset.

Mutants, and the test that fails for each:

    old action and reward on an automatic reset  but_not_over
    final_observation is the auto-reset one      final_observation
    a grid flattened                             keeps_it
"""

import functools

import jax
import numpy as np
import pytest

import envs
from envs.contract.wrappers import History

pytestmark = pytest.mark.usefixtures("quick_compilation")

LENGTH = 24
CASES = {  # name, parameters, size of the action, whether it is a number
    "memory_chain": (dict(memory_length=4), 2, True),
    "gymnax/Pendulum-v1": (dict(max_steps_in_episode=5), 1, False),
    "popgym_repeat_previous_easy": (dict(max_steps_in_episode=5), 4, True),
}


@functools.cache
def beside(name):
    """The same actions and keys in the bare and in the wrapped environment."""
    chosen = CASES[name][0]
    bare, params = envs.make(name, **chosen)
    wrapped, _ = envs.make(name, history=True, **chosen)
    first = jax.random.key(0)
    bare_obs, bare_state = bare.reset(first, params)
    obs, state = wrapped.reset(first, params)

    @jax.jit
    def step(bare_state, state, key):
        act_key, env_key = jax.random.split(key)
        action = bare.action_space(params).sample(act_key)
        a = bare.step(env_key, bare_state, action, params)
        b = wrapped.step(env_key, state, action, params)
        return action, a, b

    rows = []
    for key in jax.random.split(first, LENGTH):
        action, a, b = step(bare_state, state, key)
        bare_state, state = a[1], b[1]
        rows.append(jax.tree.map(np.asarray, (action, a, b)))
    return np.asarray(bare_obs), np.asarray(obs), rows


def expect(obs, action, reward, start, size, discrete):
    """[observation, action, reward, flag], with nothing of the past at a start."""
    action = np.eye(size)[int(action)] if discrete else np.ravel(action)
    if start:
        action, reward = np.zeros(size), 0.0
    return np.concatenate([np.ravel(obs), action, [reward, float(start)]])


@pytest.mark.thinned(2)
@pytest.mark.parametrize("name", CASES)
def test_a_reset_shows_no_past_and_a_start(name):
    _, size, discrete = CASES[name]
    bare_obs, obs, _ = beside(name)
    want = expect(bare_obs, 0, 0.0, True, size, discrete)
    np.testing.assert_array_equal(obs, want.astype(np.float32))


@pytest.mark.parametrize("name", CASES)
def test_a_step_appends_its_action_and_reward_but_not_over_an_automatic_reset(name):
    _, size, discrete = CASES[name]
    _, _, rows = beside(name)
    ends = 0
    for action, a, b in rows:
        ended = bool(a[3] | a[4])
        want = expect(a[0], action, a[2], ended, size, discrete)
        np.testing.assert_allclose(b[0], want, rtol=1e-6)
        ends += ended
    assert ends >= 2 and ends < LENGTH


@pytest.mark.parametrize("name", CASES)
def test_the_final_observation_has_the_true_last_action_and_reward(name):
    _, size, discrete = CASES[name]
    for action, a, b in beside(name)[2]:
        final = a[5]["final_observation"]
        want = expect(final, action, a[2], False, size, discrete)
        np.testing.assert_allclose(b[5]["final_observation"], want, rtol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_everything_else_is_passed_on(name):
    for _, a, b in beside(name)[2]:
        for mine, theirs in zip(a[1:5], b[1:5], strict=True):
            jax.tree.map(np.testing.assert_array_equal, mine, theirs)
        assert a[5].keys() == b[5].keys()


@pytest.mark.parametrize("name", CASES)
def test_the_space_has_the_width_of_what_is_observed(name):
    env, params = envs.make(name, history=True, **CASES[name][0])
    space = env.observation_space(params)
    _, obs, _ = beside(name)
    assert space.shape == obs.shape and obs.dtype == np.float32
    assert np.isinf(space.low) and np.isinf(space.high)
    assert env.action_space(params).shape == env.env.action_space(params).shape
    assert env.name == env.env.name  # what it does not define is the inner one's


def test_an_observation_with_a_shape_keeps_it():
    """A dict of what was seen and the history, which is cleared as it always is."""
    bare, params = envs.make("gymnax/Catch-bsuite")
    env = History(bare)
    key = jax.random.key(0)
    obs, state = env.reset(key, params)
    bare_obs, bare_state = bare.reset(key, params)
    np.testing.assert_array_equal(obs["obs"], bare_obs)
    np.testing.assert_array_equal(obs["history"], [0, 0, 0, 0, 1])
    step, ends = jax.jit(env.step), 0
    for t in range(20):
        action = t % 3
        obs, state, reward, *flags, info = step(key, state, action, params)
        bare_obs, bare_state, *_, bare_info = bare.step(key, bare_state, action, params)
        final = info["final_observation"]
        np.testing.assert_array_equal(obs["obs"], bare_obs)
        np.testing.assert_array_equal(final["obs"], bare_info["final_observation"])
        true = [*np.eye(3)[action], float(reward), 0]
        np.testing.assert_array_equal(final["history"], true)
        ended = any(map(bool, flags))
        want = [0, 0, 0, 0, 1] if ended else true
        np.testing.assert_array_equal(obs["history"], want)
        ends += ended
    assert ends == 2
    space = env.observation_space(params)
    assert space.spaces["obs"].shape == bare_obs.shape
    assert space.spaces["history"].shape == (5,)
