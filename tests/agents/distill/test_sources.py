"""Sources against plain ones, on the same experience.

| mutant | fails |
|---|---|
| the future of the next trial's first state is learned | test_q_learning_is_watkins |
| a step that the clock cut is learned as if it ended | test_q_learning_is_watkins |
| values begin at 0, whatever is hoped for | test_q_learning_is_watkins |
| discount and learning rate are swapped | test_bandits_algorithms_want_a_bandit |
| equal actions: the first one | test_it_acts_greedily_but_for_epsilon |
| epsilon ignored | test_it_acts_greedily_but_for_epsilon |
| UCB's logarithm of the arm's own pulls | test_ucb_is_ucb1 |
| what the clock cut is in the planner's model | test_dyna_learns_* |
| nothing is learned once more | test_dyna_learns_*, test_dyna_walks_* |
| the law is of greedy actions alone | test_it_acts_greedily_but_for_epsilon |
| Thompson's successes and failures swapped | test_thompson_samples_the_posterior |
"""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.distill.config import DistillConfig
from agents.distill.sources import (
    UCB,
    Dyna,
    Experience,
    QLearning,
    Thompson,
    make_source,
)
from envs.contract.tabular import Table

S, A, STEPS = 6, 3, 400


@pytest.fixture(scope="module")
def experience():
    """Anything at all, [STEPS]."""
    draw = np.random.default_rng(0)
    ended = draw.random(STEPS) < 0.3
    return Experience(
        row=draw.integers(0, S, STEPS).astype(np.int32),
        action=draw.integers(0, A, STEPS).astype(np.int32),
        reward=draw.normal(size=STEPS).astype(np.float32),
        next_row=draw.integers(0, S, STEPS).astype(np.int32),
        ended=ended,
        terminated=ended & (draw.random(STEPS) < 0.5),
    )


def learned(source, experience):
    def learn(memory, step):
        return source.learn(memory, step), None

    return jax.jit(
        lambda steps: jax.lax.scan(learn, source.begin(), steps)[0]
    )(experience)  # fmt: skip


@pytest.mark.parametrize("optimism", [0.0, 2.5])
def test_q_learning_is_watkins(experience, optimism):
    found = learned(QLearning(S, A, 0.3, 0.8, optimism), experience)
    q = np.full((S, A), optimism)
    for step in zip(*experience, strict=True):
        row, action, reward, next_row, ended, terminated = step
        if ended and not terminated:
            continue  # nobody saw what it led to
        target = reward if terminated else reward + 0.8 * q[next_row].max()
        q[row, action] = 0.7 * q[row, action] + 0.3 * target
    np.testing.assert_allclose(found, q, rtol=1e-4, atol=1e-5)


def test_dyna_learns_all_that_it_has_seen_once_more(experience):
    rate, discount, optimism = 0.3, 0.8, 1.5
    found = learned(Dyna(S, A, rate, discount, optimism), experience)
    q, model = np.full((S, A), optimism), {}
    for step in zip(*experience, strict=True):
        row, action, reward, next_row, ended, terminated = step
        if not ended or terminated:
            model[row, action] = reward, next_row, terminated
        best = q.max(-1)
        for at, (paid, there, stops) in model.items():
            target = paid if stops else paid + discount * best[there]
            q[at] = (1 - rate) * q[at] + rate * target
    np.testing.assert_allclose(found.q, q, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("source", "direct"), [(Dyna, True), (QLearning, False)])
def test_dyna_walks_at_once_to_what_it_found(source, direct, keys):
    """A corridor, walked to its end once; then the first step's law says it all."""
    size = 5
    source = source(size, 2, 1.0, 0.9)
    memory, act = source.begin(), jax.jit(source.act)
    learn, never = jax.jit(source.learn), jnp.zeros((), bool)
    for row in [*range(size - 1), *[size - 1] * size]:  # and stays there
        there = min(row + 1, size - 1)
        reward = jnp.float32(there == size - 1)
        step = Experience(row, jnp.int32(1), reward, there, never, never)
        memory = learn(memory, step)
    _, law = act(memory, jnp.int32(0), jnp.float32(0), next(keys))
    np.testing.assert_allclose(law, [0, 1] if direct else [0.5, 0.5])


def test_it_acts_greedily_but_for_epsilon(keys):
    source, n = QLearning(2, 4, 0.5, 0.5), 40_000
    memory = jnp.array([[9.0, 0, 0, 0], [1, 2, 2, 0]])
    draws = jax.random.split(next(keys), n)
    act = jax.jit(jax.vmap(source.act, (None, None, None, 0), (0, None)))
    for epsilon in (0.0, 0.4, 1.0):
        actions, law = act(memory, jnp.int32(1), jnp.float32(epsilon), draws)
        found = np.bincount(actions, minlength=4) / n
        wanted = epsilon / 4 + (1 - epsilon) * np.array([0, 0.5, 0.5, 0])
        np.testing.assert_allclose(found, wanted, atol=0.015)
        np.testing.assert_allclose(law, wanted, atol=1e-6)


def test_ucb_is_ucb1(keys):
    draw, source = np.random.default_rng(1), UCB(A)
    step, act = jax.jit(source.learn), jax.jit(source.act)
    memory, pulled, paid = source.begin(), np.zeros(A), np.zeros(A)
    zero, never = jnp.int32(0), jnp.zeros((), bool)
    for t in range(60):
        action, law = act(memory, zero, jnp.float32(0), next(keys))
        action = int(action)
        assert law[action] == law.max()
        np.testing.assert_allclose(law.sum(), 1, rtol=1e-6)
        if t < A:
            assert not pulled[action]
            np.testing.assert_allclose(law, (pulled == 0) / (A - t), rtol=1e-6)
        else:
            bound = paid / pulled + np.sqrt(2 * np.log(t) / pulled)
            assert bound[action] > bound.max() - 1e-5
        reward = np.float32(draw.random() < 0.2 + 0.3 * action)
        pulled[action] += 1
        paid[action] += reward
        seen = (zero, jnp.int32(action), jnp.float32(reward), zero, never, never)
        memory = step(memory, Experience(*seen))
    np.testing.assert_array_equal(memory.times, pulled)
    np.testing.assert_array_equal(memory.total, paid)


@pytest.mark.slow
def test_thompson_samples_the_posterior(keys):
    source, n = Thompson(2), 20_000
    memory = source.begin()._replace(
        times=jnp.array([5.0, 2.0]), total=jnp.array([4.0, 0.0])
    )
    draws = jax.random.split(next(keys), n)
    act = jax.jit(jax.vmap(source.act, (None, None, None, 0)))
    actions, law = act(memory, jnp.int32(0), jnp.float32(0), draws)
    found = np.mean(actions == 0)
    np.testing.assert_array_equal(law, np.eye(2)[actions])  # what was drawn
    draw = np.random.default_rng(2)
    wanted = np.mean(draw.beta(5, 2, 10**6) > draw.beta(1, 3, 10**6))
    np.testing.assert_allclose(found, wanted, atol=0.015)


def test_bandits_algorithms_want_a_bandit():
    rows = SimpleNamespace(bandit=Table(1, max), room=Table(81, max))
    rates = DistillConfig(
        source_learning_rate=0.3, source_discount=0.8, source_optimism=0.7
    )
    assert make_source(rates, rows.room, 3) == QLearning(81, 3, 0.3, 0.8, 0.7)
    dyna = dataclasses.replace(rates, source="dyna")
    assert make_source(dyna, rows.room, 3) == Dyna(81, 3, 0.3, 0.8, 0.7)
    assert isinstance(make_source(DistillConfig(source="ucb"), rows.bandit, 3), UCB)
    for name in ("ucb", "thompson"):
        with pytest.raises(ValueError, match=f"source={name} .* 1 state; got 81"):
            make_source(DistillConfig(source=name), rows.room, 3)
