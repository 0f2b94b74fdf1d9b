"""Values that do not grow with returns: symlogs, and distributions over bins.

Mutants, and the test that fails for each:

    symexp without the -1                            inverse
    neighbours' shares exchanged                     projection
    the share in symlogs                             projection
    beyond the last bin both shares are its own      projection
    logits drawn at first                            first_value
    the value is of the likeliest bin                mean_of_targets
    targets are symlogs in the cross entropy         loss_of_a_head
    symlog: the error is of returns                  loss_of_a_head
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.fit import Minibatch
from agents.ppo import values
from agents.ppo.objective import Learned, loss
from agents.ppo.values import Symlog, TwoHot

HEADS = {"symlog": Symlog(), "two_hot": TwoHot(21)}
SIZES = np.array([0, 1e-3, 0.4, 1, 7.5, 300, 2e4], np.float32)
RETURNS = np.concatenate([-SIZES[::-1], SIZES])


def test_symexp_is_the_inverse_of_symlog():
    there = values.symlog(jnp.asarray(RETURNS))
    expected = np.sign(RETURNS) * np.log(1 + np.abs(RETURNS.astype(np.float64)))
    np.testing.assert_allclose(there, expected, rtol=1e-6)
    np.testing.assert_allclose(values.symexp(there), RETURNS, rtol=1e-5)


@pytest.mark.parametrize("bins", [3, 21, 129])
def test_the_mean_of_a_projection_is_what_was_projected(bins):
    head = TwoHot(bins)
    support = np.asarray(head.support, np.float64)
    np.testing.assert_allclose(support, -support[::-1])
    assert support[bins // 2] == 0 and (np.diff(support) > 0).all()
    weights = np.asarray(head.projected(jnp.asarray(RETURNS)), np.float64)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)
    assert (weights >= 0).all()
    # No more than two, and they are neighbours.
    for row in weights:
        (at,) = np.nonzero(row)
        assert len(at) <= 2 and at.max() - at.min() <= 1
    np.testing.assert_allclose(weights @ support, RETURNS, rtol=1e-4, atol=1e-3)
    mean = head.mean(jnp.asarray(weights, jnp.float32))
    np.testing.assert_allclose(mean, RETURNS, rtol=1e-4, atol=1e-3)
    # A return that is a bin, and those beyond the last.
    ends = head.projected(jnp.asarray([support[-1], 1e9, -1e9], jnp.float32))
    np.testing.assert_array_equal(ends.argmax(-1), [bins - 1, bins - 1, 0])
    np.testing.assert_array_equal(ends.max(-1), [1, 1, 1])


def test_it_learns_the_mean_of_targets():
    """Of returns that differ; the mean of their symlogs would be far below."""
    head, targets = TwoHot(129), jnp.asarray([0.0, 10.0, 500.0, -3.0])
    probability = head.projected(targets).mean(0)
    value = head.value(jnp.log(probability + 1e-12))
    np.testing.assert_allclose(value, targets.mean(), rtol=1e-3)
    symlogs = Symlog().value(values.symlog(targets).mean()[None])
    assert symlogs < 0.1 * value


def test_the_gradient_does_not_grow_with_returns():
    def size(head, target):
        outputs = jnp.zeros((1, head.num_outputs))
        gradient = jax.grad(head.error)(outputs, jnp.asarray([target]))
        return float(jnp.abs(gradient).max())

    assert size(TwoHot(21), 2e4) <= 1 and size(TwoHot(21), 1.0) <= 1
    assert size(Symlog(), 2e4) < 10


@pytest.fixture(scope="module", params=HEADS)
def case(request, small_ppo):
    """A new learner with such a head, and what it has collected."""
    options = dict(value_loss=request.param, value_bins=21, value_coefficient=0.7)
    agent = small_ppo("mlp", **options)
    learner = jax.jit(agent.initialise)(jax.random.key(0))
    _, rollout, _ = jax.jit(agent.collected)(learner, jax.random.key(1))
    given = learner.situation.carry, rollout.obs, rollout.reset
    judge = jax.jit(
        lambda params: agent.network.apply(params, *given, method="judged")[2]
    )
    return SimpleNamespace(
        agent=agent, learner=learner, rollout=rollout, judge=judge, name=request.param,
        head=HEADS[request.param],
    )  # fmt: skip


@pytest.mark.thinned(2)
def test_the_first_value_is_small_and_acting_reads_it(case):
    outputs, value = case.judge(case.learner.params), case.rollout.value
    assert outputs.shape == (*value.shape, case.head.num_outputs)
    np.testing.assert_allclose(value, case.head.value(outputs), rtol=1e-4, atol=1e-5)
    if case.name == "two_hot":
        np.testing.assert_array_equal(value, np.zeros_like(value))
    assert np.abs(value).max() < 10


@pytest.mark.thinned(2)
def test_the_loss_of_a_head_is_its_equation(case):
    rollout = case.rollout
    # Every entry by another step: equal logits would say nothing of targets.
    moved = jax.tree.map(
        lambda x: x + 0.2 * jnp.sin(jnp.arange(x.size)).reshape(x.shape),
        case.learner.params,
    )
    advantage = 30 * jax.random.normal(jax.random.key(2), rollout.reward.shape)
    batch = Minibatch(case.learner.situation.carry, rollout, Learned(advantage))
    total, metrics = jax.jit(
        lambda params: loss(params, batch, jax.random.key(0), case.agent)
    )(moved)
    outputs = np.asarray(case.judge(moved), np.float64)
    target = np.asarray(advantage + rollout.value, np.float64)
    if case.name == "symlog":
        symlogs = np.sign(target) * np.log(1 + np.abs(target))
        want = np.square(outputs[..., 0] - symlogs).mean() / 2
    else:
        support, total_of = np.asarray(case.head.support, np.float64), 0.0
        for row, y in zip(outputs.reshape(-1, 21), target.flat, strict=True):
            log_p = row - np.log(np.exp(row).sum())
            weights = [np.interp(y, support, np.eye(21)[i]) for i in range(21)]
            total_of -= weights @ log_p
        want = total_of / target.size
    np.testing.assert_allclose(metrics["loss/value"], want, rtol=1e-4)
    np.testing.assert_allclose(
        total, metrics["loss/policy"] + 0.7 * want, rtol=1e-4, atol=1e-5
    )
