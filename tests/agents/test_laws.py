"""What every agent keeps, whatever it learns by.

Mutants, and the test that fails for each:

    act reads without the reset                    acts_as_it_collected
    act gives what is stored, not what is played   acts_as_it_collected
    greedy draws; drawing is greedy                acts_as_it_collected
    memory is kept over the end of an episode      nothing_crosses_a_reset, poison
    a normaliser over lanes                        poison, permuted_lanes
    the learner misses what the update reads       same_bits
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import agents
from tests.agents.members import ACTING, AGENTS

pytestmark = pytest.mark.lenient  # distrax's Gaussians broadcast a scalar

T, B = 7, 4
CLOSE = dict(rtol=1e-5, atol=2e-6)


@pytest.mark.thinned(5)
@pytest.mark.parametrize("agent, actions", ACTING)
def test_it_acts_as_it_collected(played, agent, actions):
    """`act`, step by step over the rollout's observations, makes its very actions."""
    case = played("gru", actions, agent)
    rollout, carry = case.rollout, case.before.carry
    act = jax.jit(case.agent.act, static_argnames="greedy")
    keys, differ = jax.random.split(jax.random.key(2), T), 0
    for t in range(T):
        step = carry, rollout.obs[t], rollout.reset[t]
        action_key, _ = jax.random.split(keys[t])
        carry, drawn = act(case.learner, *step, action_key, greedy=False)
        sent = case.agent.network.head.to_env(rollout.action[t])
        np.testing.assert_allclose(drawn, sent, **CLOSE)
        _, best = act(case.learner, *step, None, greedy=True)
        _, again = act(case.learner, *step, keys[0], greedy=True)
        np.testing.assert_array_equal(best, again)
        differ += int((np.asarray(best) != drawn).sum())
    assert differ > 0
    with pytest.raises(ValueError, match="key must be given"):
        case.agent.act(case.learner, *step, None, greedy=False)


@pytest.mark.parametrize("agent", AGENTS)
def test_memory_that_has_read_nothing_is_the_cores(small_agent, agent):
    built = small_agent(agent, "gru")
    ours, cores = built.initial_carry(3), built.network.core.initial_carry(3)
    jax.tree.map(np.testing.assert_array_equal, ours, cores)


@pytest.mark.thinned(3)
@pytest.mark.parametrize("agent", AGENTS)
def test_nothing_crosses_a_reset(played, agent):
    """Neither gradients nor values, of what is learned from and of what acts."""
    case = played("gru", "discrete", agent)
    reset = jnp.zeros((T, B), bool).at[3].set(True)

    def later(obs, carry):
        _, distribution, value = case.policy(carry, obs, reset)
        return (value + distribution.log_prob(case.rollout.action))[3:].sum()

    both = jax.jit(jax.value_and_grad(later, (0, 1)))
    obs, carry = case.rollout.obs, case.before.carry
    value, (of_obs, of_carry) = both(obs, carry)
    assert not of_obs[:3].any() and np.abs(of_obs[3:]).max() > 0
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(of_carry))
    poisoned, _ = both(
        obs.at[:3].set(jnp.nan), jax.tree.map(lambda x: x * jnp.nan, carry)
    )
    np.testing.assert_array_equal(poisoned, value)


class Poisoned:
    """An environment that shows NaN in the first episode of a lane, in some lanes."""

    def __init__(self, env):
        self._env = env
        self.action_space, self.observation_space = (
            env.action_space,
            env.observation_space,
        )

    def best_actions(self, state, params):
        return self._env.best_actions(state[0], params)

    def __getattr__(self, name):
        return getattr(self._env, name)

    def reset(self, key, params):
        obs, state = self._env.reset(key, params)
        return obs * jnp.where(state.episode % 2, jnp.nan, 1), (state, state.episode)

    def step(self, key, state, action, params):
        inner, first = state
        bad = lambda now: jnp.where(  # noqa: E731
            (now == first) & (first % 2 == 1), jnp.nan, 1
        )
        obs, later, reward, *ends, info = self._env.step(key, inner, action, params)
        shown = {"final_observation": info["final_observation"] * bad(inner.episode)}
        return obs * bad(later.episode), (later, first), reward * 0, *ends, shown


@pytest.mark.thinned(3)
@pytest.mark.parametrize("agent", AGENTS)
def test_a_poisoned_episode_is_its_own(small_agent, clockwork, agent):
    """NaN in an episode reaches no other lane and no later episode of its own."""
    built = small_agent(agent, "gru", env=Poisoned(clockwork.env()), num_envs=8)
    learner = jax.jit(built.initialise)(jax.random.key(0))
    odd = np.asarray(learner.situation.env_state[1]) % 2 == 1
    assert odd.any() and not odd.all()
    act = jax.jit(lambda *step: built.act(*step, None, True))
    situation, over = learner.situation, ~odd
    carry, obs, reset = situation.carry, situation.obs, situation.reset
    state = situation.env_state
    step = jax.jit(jax.vmap(built.env.step, (None, 0, 0, None)))
    for _ in range(2 * T):
        over |= np.asarray(reset) & (np.asarray(state[0].episode) != state[1])
        carry, action = act(learner, carry, obs, reset)
        finite = np.stack(
            [np.isfinite(x).reshape(8, -1).all(1) for x in jax.tree.leaves(carry)]
        ).all(0)
        np.testing.assert_array_equal(finite, over)
        obs, state, _, ended, cut, _ = step(jax.random.key(0), state, action, 0.01)
        reset = ended | cut
    assert over.all()


@pytest.mark.parametrize("agent", AGENTS)
def test_permuted_lanes_are_permuted(played, agent):
    case, order = played("gru", "discrete", agent), jnp.array([2, 0, 3, 1])
    # Of one reset in all lanes, so that lanes differ in nothing but what they saw.
    reset, obs = jnp.zeros((T, B), bool).at[0].set(True), case.rollout.obs
    value = jax.jit(lambda *step: case.policy(*step)[2])
    one = value(case.before.carry, obs, reset)
    moved = jax.tree.map(lambda x: x[order], case.before.carry)
    other = value(moved, obs[:, order], reset)
    np.testing.assert_allclose(one[:, order], other, **CLOSE)


@pytest.mark.thinned(3)
@pytest.mark.parametrize("agent", AGENTS)
def test_the_same_learner_twice_gives_the_same_bits(small_agent, agent):
    """All that changes is in the learner: a copy through the host goes on alike."""
    built = small_agent(agent, "gru", learning_rate=0.01)
    update = jax.jit(built.update)
    learner, _ = update(jax.jit(built.initialise)(jax.random.key(0)))
    one, two = learner, host(learner)
    for _ in range(2):
        (one, metrics), (two, others) = update(one), update(two)
        two = host(two)
        for name, value in metrics.items():
            np.testing.assert_array_equal(value, others[name], err_msg=name)
    same = jax.tree.map(
        np.testing.assert_array_equal, *map(jax.tree.leaves, (plain(one), plain(two)))
    )
    assert same


def host(learner):
    """A copy that nothing but its arrays made it through to."""
    leaves, form = jax.tree.flatten(plain(learner))
    copied = jax.tree.unflatten(form, [jnp.array(np.array(leaf)) for leaf in leaves])
    return copied._replace(key=jax.random.wrap_key_data(copied.key))


def plain(learner):
    return learner._replace(key=jax.random.key_data(learner.key))


def test_every_agent_has_what_is_said_of_it():
    assert set(AGENTS) == set(agents.CONFIGS)
    for name in AGENTS:
        config = agents.CONFIGS[name]()
        assert config.steps_per_update == config.num_envs * config.rollout_length
        assert agents.AGENTS[name].summary
