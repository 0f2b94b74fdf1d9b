"""PQN's targets and loss, beside a reading of the rollout step by step in NumPy.

Mutants, and the test that fails for each:

    a time limit bootstraps from the next episode       targets_are_those
    a time limit is a termination                       targets_are_those
    the last step bootstraps from its own value         targets_are_those
    values at cuts of cleared memory                    targets_are_those
    targets from stored values in every epoch           follow_the_parameters
    the gradient of the target is taken                 gradient_is
    q of the best action instead of the one that acted  targets_are_those, gradient_is
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.fit import Minibatch
from agents.pqn.objective import loss, targets
from tests.agents.acting.test_returns import forward_view_returns
from tests.agents.acting.test_rollout import observe

T, B = 7, 4


@pytest.fixture(scope="module")
def case(played):
    return played("gru", "discrete", "pqn")


@pytest.fixture(scope="module")
def told(case, clockwork):
    """q [T, B, A] and best values of what followed [T, B], read one step at a time."""
    rollout = jax.tree.map(np.asarray, case.rollout)
    lengths, state = np.asarray(clockwork.lengths), case.before.env_state
    state = jax.tree.map(np.array, state)
    apply = jax.jit(case.agent.network.apply)
    carry, every, after = case.before.carry, [], []
    for t in range(T):
        carry, q = apply(
            case.learner.params, carry, rollout.obs[t][None], rollout.reset[t][None]
        )
        time, total = state.time + 1, state.total + np.float32(0.3) * rollout.action[t]
        final = np.array(
            [
                observe(lengths, *lane)
                for lane in zip(state.episode, time, total, strict=True)
            ],
            np.float32,
        )
        _, following = apply(
            case.learner.params, carry, final[None], np.zeros((1, B), bool)
        )
        every.append(q[0])
        after.append(following[0].max(-1))
        over = time >= lengths[state.episode % len(lengths)]
        state = state._replace(
            episode=state.episode + over,
            time=np.where(over, 0, time),
            total=np.where(over, 0, total).astype(np.float32),
        )
    assert (rollout.truncated & ~rollout.terminated).any()
    assert rollout.terminated.any() and rollout.reset[1:].any()
    return np.stack(every), np.stack(after)


def measured(case, batch):
    """Loss and metrics with the parameters that acted."""
    compiled = jax.jit(lambda p, part: loss(p, part, None, case.agent))
    return compiled(case.learner.params, batch)


def test_targets_are_those_of_the_forward_view(case, told):
    q, after = told
    rollout, config = case.rollout, case.agent.config
    want = forward_view_returns(
        *map(
            np.asarray, (rollout.reward, after, rollout.terminated, rollout.truncated)
        ),
        discount=np.full((T, B), config.discount),
        lambda_=config.td_lambda,
    )
    got = targets(jnp.asarray(q.max(-1)), rollout, config)
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    batch = Minibatch(case.before.carry, rollout, ())
    value, metrics = measured(case, batch)
    action = np.asarray(rollout.action)[..., None]
    chosen = np.take_along_axis(q, action, -1)[..., 0]
    np.testing.assert_allclose(value, np.square(chosen - want).mean() / 2, rtol=1e-4)
    np.testing.assert_allclose(metrics["diagnostics/q_error"], 0, atol=1e-5)
    # It explores: best actions and those that acted are not the same.
    assert (chosen < q.max(-1)).any()


def test_targets_follow_the_parameters(case):
    """Those of now value what follows inside an episode, not those that acted."""
    batch = Minibatch(case.before.carry, case.rollout, ())
    stale = case.rollout._replace(value=case.rollout.value + 5)
    _, metrics = measured(case, batch._replace(rollout=stale))
    np.testing.assert_allclose(metrics["diagnostics/q_error"], 5, rtol=1e-5)
    one, _ = measured(case, batch)
    np.testing.assert_array_equal(metrics["loss/value"], one)


def test_the_gradient_is_that_of_fixed_targets(case):
    batch = Minibatch(case.before.carry, case.rollout, ())
    params, rollout = case.learner.params, case.rollout

    def q_of(params):
        return case.agent.q(params, batch.initial_carry, rollout.obs, rollout.reset)

    fixed = jax.jit(lambda p: targets(q_of(p).max(-1), rollout, case.agent.config))(
        params
    )

    def plain(params):
        chosen = jnp.take_along_axis(q_of(params), rollout.action[..., None], -1)
        return jnp.square(chosen[..., 0] - fixed).mean() / 2

    want = jax.jit(jax.grad(plain))(params)
    got = jax.jit(jax.grad(lambda p: loss(p, batch, None, case.agent)[0]))(params)
    assert max(np.abs(leaf).max() for leaf in jax.tree.leaves(want)) > 1e-3
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), got, want
    )
