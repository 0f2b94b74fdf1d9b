"""The anchor: PPO held near the policy that it began as, and then let go.

Mutants, and the test that fails for each:

    the anchor is the policy of now                 begins_as_it_is
    the divergence is turned round                  is_the_divergence
    its weight does not fall, or below zero         is_let_go
    the anchor reads with the learner's memory      reads_along
    its memory is not kept between updates          reads_along
    without a weight the learner keeps it           costs_nothing
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.fit import Minibatch
from agents.acting.rollout import collect
from agents.ppo.objective import Learned, loss

pytestmark = pytest.mark.lenient


@pytest.fixture(scope="module")
def case(small_ppo):
    """Two rollouts, of the first policy and of one that has moved away from it, with
    what the anchor says of both."""
    agent = small_ppo(
        "gru", anchor_weight=2.0, anchor_share=0.5, num_updates=8, learning_rate=0.02,
        value_coefficient=0.0, normalize_advantage=False,
    )  # fmt: skip
    learner = jax.jit(agent.initialise)(jax.random.key(0))
    params = jax.tree.map(lambda x: x + 0.3 * jnp.sign(x), learner.params)
    first = agent.begun(learner, params)
    away = jax.tree.map(lambda x: 0.2 * jnp.sin(40 * x), params)
    moved = jax.tree.map(jnp.add, params, away)

    @jax.jit
    def go_on(learner, key):
        situation, rollout = collect(
            learner.situation, key, env=agent.env, env_params=agent.env_params,
            policy=agent.policy(learner.params), to_env=lambda action: action,
            length=agent.config.rollout_length,
        )  # fmt: skip
        anchor, outputs, _ = agent.anchored(learner, rollout)
        learner = learner._replace(extra=learner.extra._replace(anchor=anchor))
        return learner._replace(situation=situation), rollout, outputs

    between, one, _ = go_on(first, jax.random.key(1))
    between = between._replace(params=moved)
    last, two, outputs = go_on(between, jax.random.key(2))
    batch = Minibatch(
        between.situation.carry, two, Learned(jnp.zeros_like(two.reward), outputs)
    )

    @jax.jit
    def held(params, weight):
        pull = agent.anchored(first, two)[2]._replace(weight=weight)
        return loss(params, batch, jax.random.key(0), agent, pull)

    return SimpleNamespace(
        agent=agent, first=first, between=between, last=last, away=away, moved=moved,
        rollouts=(one, two), held=held,
    )  # fmt: skip


def test_it_begins_as_it_is_and_holds_nothing_yet(case):
    first = case.first
    jax.tree.map(np.testing.assert_array_equal, first.extra.anchor.params, first.params)
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(first.opt_state))
    update, learner, found = jax.jit(case.agent.update), first, []
    for _ in range(2):
        learner, metrics = update(learner)
        found.append(float(metrics["loss/anchor"]))
    assert abs(found[0]) < 1e-6 and found[1] > 1e-5
    kept = learner.extra.anchor.params
    jax.tree.map(np.testing.assert_array_equal, kept, first.params)


def test_it_is_let_go_linearly(case):
    def weight(updates):
        learner = case.first._replace(num_updates=jnp.int32(updates))
        return case.agent.anchored(learner, case.rollouts[0])[2].weight

    found = [float(weight(updates)) for updates in (0, 1, 2, 4, 7)]
    np.testing.assert_allclose(found, [2.0, 1.5, 1.0, 0.0, 0.0], atol=1e-6)


def test_it_reads_along_with_its_own_memory(case):
    """What the first policy would remember of it all, had it only looked."""
    obs, reset = (
        jnp.concatenate([getattr(rollout, name) for rollout in case.rollouts])
        for name in ("obs", "reset")
    )
    empty = case.agent.initial_carry(obs.shape[1])
    want, _, _ = case.agent.policy(case.first.params)(empty, obs, reset)
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5),
        case.last.extra.anchor.carry, want,
    )  # fmt: skip
    own, others = case.last.extra.anchor.carry, case.last.situation.carry
    pairs = zip(*map(jax.tree.leaves, (own, others)), strict=True)
    assert all(np.abs(one - other).max() > 1e-3 for one, other in pairs)


def test_it_is_the_divergence_of_the_first_policy_from_that_of_now(case):
    two = case.rollouts[1]
    _, first, _ = case.agent.policy(case.first.params)(
        case.between.extra.anchor.carry, two.obs, two.reset
    )
    _, now, _ = case.agent.policy(case.moved)(
        case.between.situation.carry, two.obs, two.reset
    )
    p, q = (np.exp(np.asarray(x.log_probs, np.float64)) for x in (first, now))
    want = (p * np.log(p / q)).sum(-1).mean()
    total, metrics = case.held(case.moved, 0.7)
    np.testing.assert_allclose(metrics["loss/anchor"], want, rtol=1e-3)
    np.testing.assert_allclose(total, 0.7 * want, rtol=1e-3, atol=1e-6)
    assert want > 1e-3


def test_its_gradient_pulls_back(case):
    gradient = jax.grad(lambda params: case.held(params, 1.0)[0])(case.moved)
    along = jax.tree.map(lambda g, d: (g * d).sum(), gradient, case.away)
    assert sum(jax.tree.leaves(along)) > 1e-3
    back = jax.tree.map(lambda x, d: x - 0.5 * d, case.moved, case.away)
    assert case.held(back, 1.0)[0] < 0.5 * case.held(case.moved, 1.0)[0]


def test_without_a_weight_it_costs_nothing(small_ppo):
    learner = jax.eval_shape(small_ppo("gru").initialise, jax.random.key(0))
    assert not jax.tree.leaves(learner.extra)
