"""Rollouts: time limits, boundaries and keys, each against its own account of events.

Mutants, and the test that fails for each:

    final value read with the carry before the step       is_followed_by
    final value read with cleared memory                  is_followed_by
    final value of the auto-reset observation             is_followed_by
    time limits bootstrap from the next episode           is_followed_by
    the rollout's cut bootstraps from its last value      is_followed_by
    the environment gets another action                   is_followed_by
    a return goes on into the next episode                is_counted_where
    an episode is a step short                            is_counted_where
    seed-axis reduction removed; extra evaluation always  extra_evaluation
    one key for action and environment                    no_key_is_used_twice
    History leaks the old action, or the start flag       start_flag_of_history
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnax.environments import spaces

from agents.acting.axes import Axes
from agents.acting.distributions import Categorical
from agents.acting.rollout import collect
from agents.acting.situation import begin
from envs.contract.wrappers import History
from tests.agents.members import CORES

T, B = 7, 4


def observe(lengths, episode, time, total):
    """What Clockwork shows, told again."""
    length = lengths[episode % len(lengths)]
    return [1 - time / 5, time / 5 * length / 5, length / 5, total]


@pytest.mark.thinned(4)
@pytest.mark.parametrize("core", CORES)
def test_a_step_is_followed_by_the_value_of_what_it_led_to(played, clockwork, core):
    # One step at a time: the value of what action t led to, read with the memory
    # left by step t, which no reset clears.
    case = played(core, "discrete")
    rollout = jax.tree.map(np.asarray, case.rollout)
    state = jax.tree.map(np.array, case.before.env_state)
    lengths = np.asarray(clockwork.lengths)
    read = jax.jit(lambda *step: case.policy(*step)[::2])
    carry, kinds = case.before.carry, set()
    for t in range(T):
        reset = np.array(state.time == 0)
        np.testing.assert_array_equal(rollout.reset[t], reset)
        obs = [observe(lengths, *lane) for lane in zip(*state, strict=True)]
        np.testing.assert_allclose(rollout.obs[t], obs, atol=1e-6)
        carry, value = read(carry, jnp.array(obs, jnp.float32)[None], reset[None])
        np.testing.assert_allclose(rollout.value[t], value[0], rtol=1e-4, atol=1e-5)

        time, total = state.time + 1, state.total + np.float32(0.3) * rollout.action[t]
        final = [
            observe(lengths, *lane)
            for lane in zip(state.episode, time, total, strict=True)
        ]
        _, after = read(
            carry, jnp.array(final, jnp.float32)[None], np.zeros((1, B), bool)
        )
        alive = ~rollout.terminated[t]
        np.testing.assert_allclose(
            rollout.next_value[t][alive], after[0][alive], rtol=1e-4, atol=1e-5
        )
        over = time >= lengths[state.episode % len(lengths)]
        np.testing.assert_array_equal(
            rollout.terminated[t] | rollout.truncated[t], over
        )
        kinds |= set(
            zip(
                rollout.terminated[t].tolist(),
                rollout.truncated[t].tolist(),
                strict=True,
            )
        )
        state = state._replace(
            episode=state.episode + over,
            time=np.where(over, 0, time),
            total=np.where(over, 0, total).astype(np.float32),
        )
    # All four kinds of step were there: going on, terminated, truncated, both.
    assert len(kinds) == 4
    assert (rollout.truncated & ~rollout.terminated).any()


def test_an_episode_is_counted_where_it_ends(played, clockwork):
    rollout = jax.tree.map(np.asarray, played("mlp", "discrete").rollout)
    start = jax.tree.map(np.asarray, played("mlp", "discrete").before)
    total, length = start.episode_return.copy(), start.episode_length.copy()
    for t in range(T):
        total, length = total + rollout.reward[t], length + 1
        over = rollout.terminated[t] | rollout.truncated[t]
        np.testing.assert_allclose(
            rollout.ended_return[t], np.where(over, total, 0), rtol=1e-5
        )
        np.testing.assert_array_equal(
            rollout.ended_length[t], np.where(over, length, 0)
        )
        total, length = np.where(over, 0, total), np.where(over, 0, length)
    ended = rollout.ended_length[rollout.ended_length > 0]
    assert set(ended) <= set(np.asarray(clockwork.lengths))


def counting_policy(calls):
    """Uniform actions, and a count of how often the network is evaluated."""

    def policy(carry, obs, reset):
        jax.debug.callback(lambda _: calls.append(1), obs.sum())
        return carry, Categorical(jnp.zeros((*reset.shape, 3))), obs.sum(-1)

    return policy


def evaluations(env, seed_axis, num_seeds):
    calls = []

    def play(key):
        situation = begin(env, 0.01, jnp.zeros(B), key, B)
        return collect(
            situation,
            key,
            env=env,
            env_params=0.01,
            policy=counting_policy(calls),
            to_env=lambda action: action,
            length=T,
            axes=Axes(seeds=seed_axis),
        )[1]

    keys = jax.random.split(jax.random.key(0), num_seeds)
    rollout = jax.jit(jax.vmap(play, axis_name="seed"))(keys)
    jax.effects_barrier()
    cut = np.asarray(rollout.truncated & ~rollout.terminated).any((0, 2))
    return len(calls), int(cut.sum())


def test_the_extra_evaluation_runs_only_in_steps_with_a_truncation(clockwork):
    never = clockwork.env(ways=(clockwork.terminated, clockwork.both))
    rare = clockwork.env(ways=(clockwork.terminated,) * 6 + (clockwork.truncated,))
    for env in (never, rare):
        calls, steps = evaluations(env, seed_axis="seed", num_seeds=2)
        # One evaluation a step, one of what the cut rollout leads to.
        assert calls == 2 * (T + 1 + steps)
        assert steps == 0 if env is never else 0 < steps < T
    # Without the name of the axis both branches run always: `cond` became `select`.
    calls, _ = evaluations(never, seed_axis=None, num_seeds=2)
    assert calls == 2 * (T + 1 + T)


def key_policy(carry, obs, reset):
    """Draws nothing: the action is the key it would have been drawn with."""

    def sample(key):
        action = jax.random.key_data(key).astype(jnp.uint32)
        return jnp.broadcast_to(action, (1, B, 2))

    distribution = SimpleNamespace(
        sample=sample, log_prob=lambda action: jnp.zeros(action.shape[:2])
    )
    return carry, distribution, jnp.zeros(reset.shape)


class KeyEnv:
    """Shows the key that its last step was given."""

    def reset(self, key, params):
        obs = jax.random.key_data(key)
        return obs, obs

    def step(self, key, state, action, params):
        obs, no = jax.random.key_data(key), jnp.zeros((), bool)
        return obs, obs, jnp.zeros(()), no, no, {"final_observation": obs}


def test_no_key_is_used_twice():
    situation = begin(KeyEnv(), None, jnp.zeros(B), jax.random.key(0), B)
    _, rollout = collect(
        situation,
        jax.random.key(1),
        env=KeyEnv(),
        env_params=None,
        policy=key_policy,
        to_env=lambda action: action,
        length=T,
    )
    rolled = np.asarray(rollout.obs).reshape(-1, 2)
    actions = np.asarray(rollout.action[:, 0])
    # Nor may an environment's key descend from the key of the action it is given.
    split = jax.vmap(lambda key: jax.random.split(key, B))
    children = split(jax.random.wrap_key_data(rollout.action[:, 0]))
    used = np.concatenate(
        [rolled, actions, np.asarray(jax.random.key_data(children)).reshape(-1, 2)]
    )
    assert len(np.unique(used, axis=0)) == len(used)


def test_the_start_flag_of_history_is_the_reset_of_the_rollout(clockwork):
    env = History(clockwork.env(spaces.Discrete(3)))
    situation = begin(env, 0.01, jnp.zeros(B), jax.random.key(0), B)
    _, rollout = collect(
        situation,
        jax.random.key(1),
        env=env,
        env_params=0.01,
        policy=counting_policy([]),
        to_env=lambda action: action,
        length=4 * T,
    )
    obs, reset = np.asarray(rollout.obs), np.asarray(rollout.reset)
    np.testing.assert_array_equal(obs[..., -1], reset)
    # Everywhere else the previous action and reward stand there; at a start, nothing.
    action = np.eye(3)[np.asarray(rollout.action[:-1])]
    inside = ~reset[1:]
    np.testing.assert_array_equal(obs[1:, :, 4:7], action * inside[..., None])
    np.testing.assert_allclose(obs[1:, :, 7], np.asarray(rollout.reward[:-1]) * inside)
    assert not obs[0, :, 4:8].any()
