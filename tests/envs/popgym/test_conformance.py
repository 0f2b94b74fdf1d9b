"""Step for step against the package popgym 1.0.7, from a common hidden state.

Every id is played in several ways from hidden states that popgym drew and from hidden
states that we drew, through our auto-resetting `step`, to the last step and over it.
Control tasks are teacher-forced: float32 drifts from the reference's float64 on
unstable dynamics, so before each step our physics is overwritten with the reference's.

Mutants seen to fail here, each in `test_every_step_is_the_references` of its family:
RepeatPrevious with lag k; RepeatFirst paid in 1/N; Autoencode reciting one card late;
CountRecall without the value in view; Concentration matching a card with itself;
MineSweeper never won, or truncating a step that terminates; Battleship paying a repeat;
VelocityOnlyCartPole opening with velocities; Pendulum in explicit Euler; the bandit's
comparison turned round; a clock one step late; a Markov state one card behind; a final
observation taken from the next episode.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import popgym
from tests.envs.popgym import figures, harness, policies, reference

OVER_THE_END = 3


def episodes(name, env, params):
    """(kind, hidden, trace) of each episode, played by the reference."""
    rng = np.random.default_rng(7)
    steps = params.max_steps_in_episode
    draw_hidden = jax.jit(lambda key: env.draw_hidden(key, params))
    kinds = list(policies.KINDS)
    if name.startswith(("popgym_battleship", "popgym_concentration")):
        kinds.append("limit")
    for source in ("reference", "ours"):
        for seed, kind in enumerate(kinds):
            if source == "reference":
                hidden = reference.draw_hidden(name, seed)
            else:
                hidden = harness.to_numpy(draw_hidden(jax.random.key(seed)))
            hidden = with_draws(name, env, params, hidden, rng)
            policy = policies.make(kind, env, hidden, steps, rng)
            yield kind, hidden, reference.trace(name, hidden, policy)


def with_draws(name, env, params, hidden, rng):
    """Adds the noise or the uniforms of a whole episode, ours or numpy's."""
    steps = params.max_steps_in_episode
    if not has_draws(env):
        return hidden
    keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), steps + 1)
    draws = np.asarray(jax.vmap(lambda key: env.draw(key, None, params))(keys))
    if "probs" in hidden:
        return {**hidden, "uniforms": draws[1:].astype(np.float64)}
    first = hidden.get("noise", draws[:1])
    return {**hidden, "noise": np.concatenate([first, draws[1:]])}


def has_draws(env):
    return type(env).__name__.startswith(("Noisy", "Multiarmed"))


def ours(env, params, played):
    """The same episodes on our side: (environment, first observations, steps)."""
    rng = np.random.default_rng(8)
    steps = params.max_steps_in_episode + OVER_THE_END
    hidden = jax.tree.map(lambda *x: np.stack(x), *(hidden for _, hidden, _ in played))
    first, states = jax.jit(jax.vmap(lambda h: env.state_from(h, params)))(hidden)
    if has_draws(env):
        draws = hidden["uniforms"] if "uniforms" in hidden else hidden["noise"][:, 1:]
        states = harness.TapedState(states, jnp.asarray(draws, jnp.float32))
        env = harness.Taped(env, params.max_steps_in_episode)
    given = [inputs(env, trace, steps, rng) for _, _, trace in played]
    given = jax.tree.map(lambda *x: np.stack(x), *given)
    keys = jax.random.split(jax.random.key(3), len(played))
    run = jax.vmap(lambda s, i, k: harness.play(env, params, s, i, k))
    return env, first, run(states, given, keys)


def inputs(env, trace, steps, rng):
    """What `harness.play` is given: the trace's actions, then some more."""
    length = len(trace["action"])
    action = rng.integers(env.num_actions, size=(steps, *trace["action"].shape[1:]))
    action = action.astype(np.int32 if env.action_axes else np.float32)
    action[:length] = trace["action"]
    if "physics" not in trace:
        return {"action": action}
    physics = np.zeros((steps, *trace["physics"].shape[1:]), np.float32)
    physics[:length] = trace["physics"]
    return {"action": action, "physics": physics, "forced": np.arange(steps) < length}


@pytest.mark.parametrize("name", figures.GAMES)
def test_every_step_is_the_references(name):
    env, params = harness.make(name)
    played = list(episodes(name, env, params))
    taped, first, raw = ours(env, params, played)
    out = harness.to_numpy(raw)
    # One-hots and counts are exact; float32 physics is good to 2e-6 in one step.
    close = {"atol": 1e-5 if "state" in played[0][1] else 1e-6, "rtol": 0}
    for i, (kind, hidden, trace) in enumerate(played):
        length = len(trace["reward"])
        mine = {key: value[i, :length] for key, value in out.items()}
        np.testing.assert_allclose(first[i], trace["obs"][0], **close)
        np.testing.assert_allclose(mine["final_obs"], trace["obs"][1:], **close)
        # All observations but the last are handed on as they are.
        np.testing.assert_array_equal(mine["obs"][:-1], mine["final_obs"][:-1])
        np.testing.assert_allclose(mine["reward"], trace["reward"], atol=1e-6, rtol=0)
        np.testing.assert_array_equal(mine["terminated"], trace["terminated"])
        np.testing.assert_array_equal(mine["truncated"], trace["truncated"])
        np.testing.assert_allclose(mine["markov"], trace["markov"][1:], **close)
        check_boundary(taped, params, jax.tree.map(lambda x, i=i: x[i], raw), length)
        check_bounds(name, kind, hidden, mine)


def check_boundary(env, params, out, length):
    """The step that ends an episode hands on a fresh one, which then goes on."""
    np.testing.assert_array_equal(out["time"][: length - 1], np.arange(1, length))
    assert out["time"][length - 1] == 0
    after = slice(length, length + OVER_THE_END)
    if not np.any(out["terminated"][after] | out["truncated"][after]):
        np.testing.assert_array_equal(
            out["time"][after], np.arange(1, OVER_THE_END + 1)
        )
    _, key_reset = jax.random.split(out["key"][length - 1])
    obs, _ = env.reset(key_reset, params)
    np.testing.assert_array_equal(out["obs"][length - 1], obs)


def check_bounds(name, kind, hidden, mine):
    """The best and the worst play return exactly what the suite promises."""
    total = mine["reward"].astype(np.float64).sum()
    worst, best = figures.FIGURES[name][-2:]
    if "ranks" in hidden:
        ties = (np.diff(hidden["ranks"]) == 0).sum()
        best = (len(hidden["ranks"]) - 1 - ties) / len(hidden["ranks"])
        worst = -best
    if kind == "best" and best is not None:
        assert total == pytest.approx(best, abs=1e-5)
    if kind == "worst" and worst is not None:
        assert total == pytest.approx(worst, abs=1e-5)
    if kind == "limit":
        assert mine["terminated"][-1] and mine["truncated"][-1]


def test_cartpole_can_fall_at_the_limit_exactly():
    name = "popgym_position_only_cartpole_easy"
    hidden = reference.draw_hidden(name, 0)
    fall = len(reference.trace(name, hidden, lambda t, env: 0)["reward"])
    trace = reference.trace(name, hidden, lambda t, env: 0, max_episode_length=fall)
    assert trace["terminated"][-1] and trace["truncated"][-1]
    env, params = popgym.make(name, max_steps_in_episode=fall)
    _, _, raw = ours(env, params, [("worst", hidden, trace)])
    out = {key: value[0, :fall] for key, value in harness.to_numpy(raw).items()}
    np.testing.assert_array_equal(out["terminated"], trace["terminated"])
    np.testing.assert_array_equal(out["truncated"], trace["truncated"])
    np.testing.assert_allclose(out["reward"], trace["reward"], atol=1e-6)


@pytest.mark.parametrize(
    "name",
    ["popgym_multiarmed_bandit_easy", "popgym_noisy_position_only_cartpole_easy"],
)
def test_a_step_is_its_transition_after_its_draw(name):
    env, params = harness.make(name)
    key, key_step = jax.random.split(jax.random.key(0))
    _, state = env.reset_env(key, params)
    action = jnp.ones((), jnp.int32)
    obs, after, reward, *_ = env.step_env(key_step, state, action, params)
    draw = env.draw(key_step, state, params)
    label, expected, expected_reward = env.transition(state, action, draw, params)
    np.testing.assert_array_equal(obs, env.encode(label))
    np.testing.assert_array_equal(reward, expected_reward)
    jax.tree.map(np.testing.assert_array_equal, after, expected)
