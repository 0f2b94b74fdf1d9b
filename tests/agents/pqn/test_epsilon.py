"""Exploration: how large epsilon is, by lane and time, and what it does.

Mutants, and the test that fails for each:

    lanes are alike; the exponent falls        falls_in_time_and_over_lanes
    epsilon does not end                       falls_in_time_and_over_lanes
    counted in steps of the optimiser          falls_in_time_and_over_lanes
    the last lane is number B                  falls_in_time_and_over_lanes
    any action but the best                    probabilities_are_those
    greedy evaluation explores                 greedy_play_takes_the_best
    epsilon stays as at first in evaluation    drawn_play_explores_as_now
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.distributions import EpsilonGreedy


@pytest.mark.parametrize("lanes", [1, 4])
@pytest.mark.parametrize("spread", [0.0, 3.0])
def test_epsilon_falls_in_time_and_over_lanes(small_agent, lanes, spread):
    agent = small_agent(
        "pqn", "mlp", num_updates=40, epochs=3, num_minibatches=2, epsilon_start=0.8,
        epsilon_end=0.1, epsilon_share=0.25, epsilon_spread=spread,
    )  # fmt: skip
    for update in (0, 3, 10, 11, 40):
        past = min(update / (0.25 * 40), 1)
        base = 0.8 + past * (0.1 - 0.8)
        want = [base ** (1 + spread * i / max(lanes - 1, 1)) for i in range(lanes)]
        got = agent.epsilon(jnp.int32(update), lanes)
        np.testing.assert_allclose(got, want, rtol=1e-5)


def test_of_no_share_only_the_first_update_explores(small_agent):
    agent = small_agent("pqn", "mlp", epsilon_share=0.0, epsilon_spread=0.0)
    found = [float(agent.epsilon(jnp.int32(u), 1)[0]) for u in (0, 1, 2)]
    np.testing.assert_allclose(found, [0.9, 0.2, 0.2], rtol=1e-5)


def test_probabilities_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    q, epsilon = rng.normal(size=(3, 5, 4)), np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    distribution = EpsilonGreedy(
        jnp.asarray(q, jnp.float32), jnp.asarray(epsilon)[None]
    )
    best = q.argmax(-1)
    want = np.zeros(q.shape)
    for t, b in np.ndindex(3, 5):
        want[t, b] += epsilon[b] / 4
        want[t, b, best[t, b]] += 1 - epsilon[b]
    np.testing.assert_array_equal(distribution.mode(), best)
    for action in range(4):
        got = distribution.log_prob(jnp.full((3, 5), action))
        np.testing.assert_allclose(np.exp(got), want[..., action], atol=1e-6)
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nansum(want * np.log(want), -1)
    got = distribution.entropy(jax.random.key(0))
    np.testing.assert_allclose(got, entropy, atol=1e-5)
    draws = jax.vmap(distribution.sample)(jax.random.split(jax.random.key(1), 4000))
    seen = (np.asarray(draws)[..., None] == np.arange(4)).mean(0)
    np.testing.assert_allclose(seen, want, atol=0.04)  # 5 standard deviations
    # Without exploration nothing else is ever drawn.
    np.testing.assert_array_equal(seen[:, 0], want[:, 0])


@pytest.fixture(scope="module")
def late(small_agent):
    """An agent, and a learner whose epsilon has fallen to 0.2 in all lanes."""
    agent = small_agent("pqn", "gru", epsilon_spread=0.0, num_updates=4)
    learner = agent.initialise(jax.random.key(0))
    return agent, learner._replace(num_updates=jnp.int32(4))


def shares(agent, learner, greedy):
    """How often actions are the best of their q."""
    n = 4000
    obs = jax.random.normal(jax.random.key(2), (n, 4))
    carry, reset = agent.initial_carry(n), jnp.ones(n, bool)
    _, action = agent.act(learner, carry, obs, reset, jax.random.key(3), greedy)
    q = agent.q(learner.params, carry, obs[None], reset[None])[0]
    return float((q.argmax(-1) == action).mean())


def test_greedy_play_takes_the_best(late):
    assert shares(*late, greedy=True) == 1.0


def test_drawn_play_explores_as_now(late):
    # One of three random actions is the best by chance.
    assert shares(*late, greedy=False) == pytest.approx(1 - 0.2 * 2 / 3, abs=0.03)
    agent, learner = late
    early = learner._replace(num_updates=jnp.int32(0))
    assert shares(agent, early, greedy=False) == pytest.approx(0.4, abs=0.04)
