"""Acting and learning agree: replaying a rollout gives what acting gave.

Mutants, and the test that fails for each:

    stored flag one step early                     both tests
    memory is kept over the end of an episode      replaying
    first observation read twice                   both tests
    replay resets one step late                    first_ratio
    replay opens from the carry after the rollout  first_ratio
    memory dropped between updates                 first_ratio (lives on)
"""

import jax
import numpy as np
import pytest

from s5rl.config import CORE_CONFIGS
from tests.agents.members import CORES, QUICK

# distrax's Gaussians broadcast a scalar over [T, B, A].
pytestmark = pytest.mark.lenient

ACTIONS = ("discrete", "gaussian", "squashed")
CLOSE = dict(rtol=1e-5, atol=2e-6)  # float32: one call of T steps against T calls
CHUNKED = dict(rtol=2e-4, atol=2e-5)  # as products of matrices, in another order


@pytest.mark.parametrize("actions", ACTIONS)
@pytest.mark.parametrize("core", CORES)
def test_replaying_a_rollout_gives_what_acting_gave(played, core, actions):
    case = played(core, actions)
    close = CHUNKED if hasattr(CORE_CONFIGS[core], "chunk") else CLOSE
    rollout, opening = case.rollout, case.before.carry
    # The case is worth something: the rollout opens in the middle of episodes, with
    # memory of them, and holds boundaries.
    assert not rollout.reset[0].all() and np.any(rollout.reset[1:])
    if core != "mlp":
        assert all(np.abs(leaf).max() > 0.01 for leaf in jax.tree.leaves(opening))

    @jax.jit
    def replay(carry, rollout):
        carry, distribution, value = case.policy(carry, rollout.obs, rollout.reset)
        return carry, distribution.log_prob(rollout.action), value

    carry, log_prob, value = replay(opening, rollout)
    np.testing.assert_allclose(log_prob, rollout.log_prob, **close)
    np.testing.assert_allclose(value, rollout.value, **close)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, **close),
        carry,
        case.after.carry,
    )


@pytest.mark.parametrize(
    "core, actions", [*((core, "discrete") for core in QUICK), ("s5", "squashed")]
)
def test_the_first_ratio_of_every_update_is_one(small_ppo, core, actions):
    agent = small_ppo(core, actions, learning_rate=0.02, epochs=2)
    learner = agent.initialise(jax.random.key(3))
    update = jax.jit(agent.update)
    for _ in range(4):
        learner, metrics = update(learner)
        assert metrics["episode/count"] > 0
        # Learning does move the policy: a ratio of one is not for lack of change.
        assert metrics["diagnostics/approx_kl"] > 1e-4
        np.testing.assert_allclose(
            metrics["diagnostics/first_ratio_error"], 0, atol=5e-6
        )
        # Memory lives on between updates, in lanes whose episode does.
        inside = ~np.asarray(learner.situation.reset)
        for leaf in jax.tree.leaves(learner.situation.carry):
            assert core == "mlp" or np.any(leaf[inside])
