"""Trials of a hidden task: what is seen, what ends, what is told.

The oracle is a plain loop over the bare environment, with the keys that a step uses.

| mutant | fails |
|---|---|
| the task is drawn anew at every trial | a_meta_episode_is |
| the trial's end is not shown | a_meta_episode_is |
| action and reward survive the meta-episode's end | a_meta_episode_is |
| trial_return runs on over trials | a_meta_episode_is |
| terminated at every trial's end | a_meta_episode_is |
| the last trial's end truncates | a_meta_episode_is |
| start states are never fresh | start_states |
| `led_to` gives the state of `step_env` | where_a_step_led |
| `led_to` steps with another key | where_a_step_led |
| the budget terminates | budget |
| continuation is the same everywhere | a_trials_end_is_discounted |
| a picture is told the outer actions, or nothing | a_picture_is_told |
| the task is not in the Markov state | a_critic_is_told |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs import popgym
from envs.meta import bandit
from envs.meta.projection import Projection
from envs.meta.variations import Fields
from envs.meta.wrapper import Meta

pytestmark = pytest.mark.usefixtures("quick_compilation")

ARMS = 4


def bandits(**options):
    """A base environment without randomness in its start, with some in its rewards."""
    env = bandit.Bandit(ARMS)
    tasks = bandit.BanditTasks(ARMS)
    inner = env.default_params.replace(max_steps_in_episode=3)
    meta = Meta(env, Fields(tasks.draw), **{"num_trials": 3, **options})
    return meta, meta.params_for(inner)


def cartpoles(**options):
    """One with random starts, trials of random lengths and projected observations."""
    env, inner = popgym.make("popgym_position_only_cartpole_easy")
    projection = Projection(4, {"train": "orthogonal"})
    meta = Meta(env, projection, **{"num_trials": 3, **options})
    return meta, meta.params_for(inner)


def oracle(meta, params, key, actions, keys):
    """What a loop over trials of the bare environment shows, step by step."""
    env, vary = meta.env, meta.variation
    _, state = meta.reset(key, params)
    task, start_key = state.task, jax.random.split(key)[1]
    inner_params = vary.params(task, params.inner)
    _, inner = env.reset_env(start_key, inner_params)
    trial, total, length, ended_all = 0, 0.0, 0, False
    for action, key in zip(actions, keys, strict=True):
        step_key, fresh_key = jax.random.split(jax.random.split(key)[0])
        obs, inner, reward, over, _ = env.step_env(
            step_key, inner, vary.act(task, action), inner_params
        )
        over = bool(over | env.is_truncated(inner, inner_params))
        total, length = total + float(reward), length + 1
        told = dict(
            trial=trial, trial_return=total, trial_length=length, trial_ended=over
        )
        if over:
            obs, inner = env.reset_env(fresh_key, inner_params)
            trial, total, length = trial + 1, 0.0, 0
        ended_all = trial == meta.num_trials
        shown = vary.observe(task, obs)
        tail = [*np.eye(meta.num_actions)[int(action)], float(reward), over, 0]
        yield np.concatenate([shown, tail]), told, ended_all
        if ended_all:
            return


@pytest.mark.thinned(2)
@pytest.mark.parametrize("make", [bandits, cartpoles])
def test_a_meta_episode_is_trials_of_one_task(make):
    meta, params = make()
    step = jax.jit(meta.step)
    key = jax.random.key(3)
    keys = jax.random.split(jax.random.key(4), 300)
    rng = np.random.default_rng(0)
    actions = jnp.asarray(rng.integers(meta.num_actions, size=300), jnp.int32)
    obs, state = meta.reset(key, params)
    first = obs
    size = meta.num_actions
    np.testing.assert_array_equal(first[-size - 3 :], [0] * size + [0, 0, 1])
    tasks, steps = [state.task], 0
    for shown, told, over in oracle(meta, params, key, actions, keys):
        obs, state, _, terminated, truncated, info = step(
            keys[steps], state, actions[steps], params
        )
        final = info["final_observation"]
        np.testing.assert_allclose(final, shown, rtol=1e-5, atol=1e-6)
        for name, value in told.items():
            np.testing.assert_allclose(info[name], value, rtol=1e-5, err_msg=name)
        assert bool(terminated) == over and not truncated
        steps += 1
        if not over:
            np.testing.assert_array_equal(obs, final)
            tasks.append(state.task)
    assert over and steps > 6
    for task in tasks[1:]:
        jax.tree.map(np.testing.assert_array_equal, task, tasks[0])
    # What follows knows nothing of it, and is another task.
    np.testing.assert_array_equal(obs[-size - 3 :], [0] * size + [0, 0, 1])
    assert any(
        np.any(a != b)
        for a, b in zip(
            jax.tree.leaves(state.task), jax.tree.leaves(tasks[0]), strict=True
        )
    )


def chances(**options):
    """One whose steps are drawn."""
    return envs.make("meta_tabular_mdp", **options)


@pytest.mark.parametrize("make", [cartpoles, chances])
def test_where_a_step_led_is_the_end_of_the_trial_and_not_the_next_start(make):
    """The environment's own step; of those that end no trial it is `step_env`'s."""
    meta, params = make(num_trials=9)
    step, lead = jax.jit(meta.step_env), jax.jit(meta.led_to)
    _, state = meta.reset(jax.random.key(0), params)
    ended = 0
    for t in range(60):
        inner = meta.inner_params(state, params)
        given = jax.random.key(t), state, jnp.int32(0), params
        _, state, *_, info = step(*given)
        led = lead(*given)
        assert int(led.inner.time) == info["trial_length"]
        over = meta.env.is_terminated(led.inner, inner)
        over |= meta.env.is_truncated(led.inner, inner)
        assert over == info["trial_ended"]
        if info["trial_ended"]:
            ended += 1
            assert int(state.inner.time) == 0
        else:
            jax.tree.map(np.testing.assert_array_equal, led.inner, state.inner)
    assert ended > 2


@pytest.mark.thinned(2)
@pytest.mark.parametrize("fresh", [True, False])
def test_start_states_are_fresh_unless_they_are_not_to_be(fresh):
    meta, params = cartpoles(fresh_starts=fresh)
    step = jax.jit(meta.step)
    _, state = meta.reset(jax.random.key(0), params)
    starts = [state.inner.physics]
    for t in range(150):
        _, state, _, terminated, _, info = step(
            jax.random.key(t), state, jnp.int32(0), params
        )
        if terminated:
            break
        if info["trial_ended"]:
            starts.append(state.inner.physics)
    assert len(starts) == 3
    same = [np.array_equal(start, starts[0]) for start in starts[1:]]
    assert not any(same) if fresh else all(same)


def test_a_budget_of_steps_cuts_without_terminating():
    meta, params = bandits()
    params = params.replace(max_steps_in_episode=5)
    _, state = meta.reset(jax.random.key(0), params)
    flags = []
    for t in range(10):
        _, state, _, terminated, truncated, _ = _step(meta, state, t, params)
        flags.append((bool(terminated), bool(truncated)))
    assert flags == ([(False, False)] * 4 + [(False, True)]) * 2


def _step(meta, state, t, params):
    return meta.step(jax.random.key(t), state, jnp.int32(1), params)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("discount", [1.0, 0.0, 0.5])
def test_a_trials_end_is_discounted_as_asked(discount):
    meta, params = bandits(trial_discount=discount)
    _, state = meta.reset(jax.random.key(0), params)
    told = []
    for t in range(9):
        _, state, _, _, _, info = _step(meta, state, t, params)
        told.append(float(info["continuation"]))
    assert told == [1.0, 1.0, discount] * 3


def test_a_critic_is_told_the_task_and_the_trial():
    meta, params = bandits()
    _, state = meta.reset(jax.random.key(0), params)
    markov = meta.markov_state(state, params)
    probs = state.task["probs"]
    np.testing.assert_array_equal(markov, [*probs, 0.0, *probs])
    for t in range(3):
        _, state, _, _, _, info = _step(meta, state, t, params)
    assert meta.markov_state(state, params)[ARMS] == pytest.approx(1 / 3)
    np.testing.assert_array_equal(
        info["final_markov_state"], meta.markov_state(state, params)
    )


def test_the_released_layout_of_meta_cartpole():
    """[4 projected, index of the action, trial ended, start]; equal starts."""
    env, params = envs.make("meta_cartpole", released=True, num_trials=2)
    obs, state = env.reset(jax.random.key(0), params)
    assert obs.shape == (7,) and not env.fresh_starts
    np.testing.assert_array_equal(obs[4:], [0, 0, 1])
    projected = state.task["observe"] @ env.env.encode(
        state.inner.physics[jnp.array([0, 2])]
    )
    np.testing.assert_allclose(obs[:4], projected, rtol=1e-5)
    obs, *_ = env.step(jax.random.key(0), state, jnp.int32(1), params)
    np.testing.assert_array_equal(obs[4:], [1, 0, 0])


def test_an_unknown_split_is_refused():
    with pytest.raises(ValueError, match="shifted, bodies; got 'test'"):
        bandits(split="test")


def test_a_picture_is_told_what_the_environment_itself_was_given(monkeypatch):
    """Actions of all trials, as the hidden task makes them out."""
    meta, params = bandits()
    _, state = meta.reset(jax.random.key(0), params)
    reverse = lambda self, task, action: ARMS - 1 - action  # noqa: E731
    monkeypatch.setattr(type(meta.variation), "act", reverse)
    monkeypatch.setattr(meta.env, "render", lambda state, params, past: past)
    given = [(0, 1.0), (3, 0.0), (1, 1.0)]
    assert meta.render(state, params, given) == [(3, 1.0), (0, 0.0), (2, 1.0)]
    monkeypatch.setattr(meta.env, "render", lambda state, params: state)
    assert meta.render(state, params, given) is state.inner


def test_the_picture_is_of_the_trial_in_its_hidden_task():
    meta, params = envs.make("meta_bandit", num_arms=3)
    _, state = meta.reset(jax.random.key(0), params)
    hidden = params.inner.replace(**state.task)
    expected = meta.env.render(state.inner, hidden)
    np.testing.assert_array_equal(meta.render(state, params), expected)
    assert (expected != meta.env.render(state.inner, params.inner)).any()
