"""The suite's wrappers: against the reference's, and over the auto-reset.

Mutants seen to fail here: the start flag up in every step, or never; a null action
other than zero; the parts of an action in reverse order.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import popgym
from envs.popgym import wrappers
from tests.envs.popgym import harness, policies, reference

BATCH = 3


@pytest.mark.parametrize("name", harness.families())
def test_previous_action_is_the_references(name):
    env, params = harness.make(name)
    wrapped = wrappers.PreviousAction(env)
    hidden = reference.draw_hidden(name, 3)
    steps = params.max_steps_in_episode
    # Noise is checked elsewhere: without it the draws need no tape.
    hidden |= {"noise": np.zeros((steps + 1, 2), np.float32)}
    hidden |= {"uniforms": np.ones(steps)}
    policy = policies.make("random", env, hidden, steps, np.random.default_rng(0))
    trace = reference.trace(name, hidden, policy, wrapped=True)
    obs, state = wrapped.state_from(hidden, params)
    assert obs.shape == wrapped.observation_space(params).shape
    np.testing.assert_allclose(obs, trace["obs"][0], atol=1e-6)
    # One step is enough for the layout, except where draws would have to be injected.
    if type(env).__name__.startswith(("Noisy", "Multiarmed")):
        own = slice(env.observation_space(params).shape[0], None)
    else:
        own = slice(None)
    for t in range(3):
        action = jnp.asarray(trace["action"][t], jnp.float32)
        action = action.astype(jnp.int32) if env.action_axes else action
        obs, state, *_ = wrapped.step_env(jax.random.key(t), state, action, params)
        np.testing.assert_allclose(obs[own], trace["obs"][t + 1][own], atol=1e-5)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("popgym_repeat_previous_easy", 10),
        ("popgym_battleship_easy", 20),
        ("popgym_minesweeper_easy", 13),
        ("popgym_concentration_easy", 210),
        ("popgym_position_only_pendulum_easy", 5),
    ],
)
def test_sizes_of_the_flattened_stack(name, size):
    env, params = harness.make(name)
    assert wrappers.PreviousAction(env).observation_space(params).shape == (size,)


def rollout(env, params, steps, key):
    """[T, B] of a random rollout through the vectorised, auto-resetting step."""

    def step(carry, key):
        state, obs = carry
        key_action, key_step = jax.random.split(key)
        action = jax.vmap(env.action_space(params).sample)(
            jax.random.split(key_action, BATCH)
        )
        next_obs, state, _, terminated, truncated, info = jax.vmap(
            env.step, in_axes=(0, 0, 0, None)
        )(jax.random.split(key_step, BATCH), state, action, params)
        out = {
            "obs": obs,
            "action": action,
            "ended": terminated | truncated,
            "next_obs": next_obs,
            "final_obs": info["final_observation"],
        }
        return (state, next_obs), out

    key, key_reset = jax.random.split(key)
    obs, state = jax.vmap(env.reset, in_axes=(0, None))(
        jax.random.split(key_reset, BATCH), params
    )
    return jax.lax.scan(step, (state, obs), jax.random.split(key, steps))[1]


@pytest.mark.parametrize("name", harness.families())
def test_nothing_of_an_episode_enters_the_next(name):
    env, params = harness.make(name)
    steps = 2 * params.max_steps_in_episode + 3
    run = jax.jit(rollout, static_argnums=(0, 2))
    key = jax.random.key(1)
    plain = harness.to_numpy(run(env, params, steps, key))
    out = harness.to_numpy(run(wrappers.PreviousAction(env), params, steps, key))
    ended, size = out["ended"], plain["obs"].shape[-1]
    assert (ended.sum(0) >= 2).all()
    np.testing.assert_array_equal(ended, plain["ended"])

    # The observation proper is what the bare environment shows.
    for key in ("obs", "next_obs", "final_obs"):
        np.testing.assert_array_equal(out[key][..., :size], plain[key])

    # The flag is up exactly where an episode opens: at the start, and after each end.
    opens = np.concatenate([np.ones((1, BATCH), bool), ended[:-1]])
    flag = np.stack([~opens, opens], axis=-1)
    np.testing.assert_array_equal(out["obs"][..., -2:], flag)
    np.testing.assert_array_equal(
        out["final_obs"][..., -2:], [[[1, 0]]] * np.ones((steps, BATCH, 1))
    )

    # The action is the true one in final_obs, and null where an episode opens.
    taken = encoded(env, out["action"])
    null = encoded(env, np.zeros_like(out["action"]))
    np.testing.assert_array_equal(out["final_obs"][..., size:-2], taken)
    expected = np.where(ended[..., None], null, taken)
    np.testing.assert_array_equal(out["next_obs"][..., size:-2], expected)


def encoded(env, action):
    if not env.action_axes:
        return action
    parts = np.unravel_index(action, env.action_axes)
    return np.concatenate(
        [np.eye(n)[part] for part, n in zip(parts, env.action_axes, strict=True)], -1
    )


@pytest.mark.parametrize("name", ["popgym_battleship_easy", "popgym_autoencode_easy"])
@pytest.mark.parametrize("observability", ["full", "full_and_partial", "info"])
def test_markovian_shows_the_state(name, observability):
    env, params = harness.make(name)
    wrapped = wrappers.Markovian(env, observability)
    key = jax.random.key(0)
    plain, _ = env.reset(key, params)
    obs, state = wrapped.reset(key, params)
    space = wrapped.observation_space(params)
    full = env.markov_state(state, params)
    assert full.shape == env.state_space(params).shape
    if observability == "full":
        np.testing.assert_array_equal(obs, full)
        assert space.shape == full.shape
    elif observability == "full_and_partial":
        np.testing.assert_array_equal(obs["obs"], plain)
        np.testing.assert_array_equal(obs["state"], full)
    else:
        np.testing.assert_array_equal(obs, plain)
    action = jnp.ones((), jnp.int32)
    _, after, *_ = env.step(key, state, action, params)
    obs, _, *_, info = wrapped.step(key, state, action, params)
    shown = {"full": obs, "info": info.get("state")}.get(observability)
    shown = obs["state"] if shown is None else shown
    np.testing.assert_array_equal(shown, env.markov_state(after, params))


def test_markovian_final_observation_is_of_the_ended_episode():
    env, params = popgym.make("popgym_repeat_first_easy")
    wrapped = wrappers.Markovian(env)
    _, state = wrapped.reset(jax.random.key(0), params)
    state = state.replace(time=jnp.asarray(50, jnp.int32))
    _, _, _, terminated, truncated, info = wrapped.step(
        jax.random.key(1), state, jnp.zeros((), jnp.int32), params
    )
    assert terminated and not truncated
    # The deck is empty: nothing of any suit is left.
    np.testing.assert_allclose(info["final_observation"][4:], 0, atol=1e-6)


def test_wrappers_stack():
    env, params = popgym.make("popgym_minesweeper_easy")
    stack = wrappers.Markovian(wrappers.PreviousAction(env), "full_and_partial")
    obs, _ = stack.reset(jax.random.key(0), params)
    assert obs["obs"].shape == (13,) and obs["state"].shape == (48,)
    assert stack.num_actions == 16
