"""Acting and learning agree, in every agent: replaying gives what acting gave.

Mutants, and the test that fails for each:

    stored flag one step early                     both tests
    memory is kept over the end of an episode      replaying
    first observation read twice                   both tests
    replay resets one step late                    first_step
    replay opens from the carry after the rollout  first_step
    memory dropped between updates                 first_step (lives on)
"""

import jax
import numpy as np
import pytest

from s5rl.config import CORE_CONFIGS
from tests.agents.members import ACTING, CORES, QUICK, REPLAYING

# distrax's Gaussians broadcast a scalar over [T, B, A].
pytestmark = pytest.mark.lenient

# float32: one call of T steps against T calls, whose sums are in another order.
CLOSE = dict(rtol=1e-5, atol=1e-5)
CHUNKED = dict(rtol=2e-4, atol=2e-5)  # as products of matrices, in another order


@pytest.mark.thinned(18)
@pytest.mark.parametrize("agent, actions", ACTING)
@pytest.mark.parametrize("core", CORES)
def test_replaying_a_rollout_gives_what_acting_gave(played, core, agent, actions):
    case = played(core, actions, agent)
    # SeqBoat attends to the chosen steps of a call in one product, whatever its length.
    matrices = hasattr(CORE_CONFIGS[core], "chunk") or core == "seqboat"
    close = CHUNKED if matrices else CLOSE
    rollout, opening = case.rollout, case.before.carry
    # The case is worth something: the rollout opens in the middle of episodes, with
    # memory of them, and holds boundaries.
    assert not rollout.reset[0].all() and np.any(rollout.reset[1:])
    if core != "mlp":
        large = [np.abs(leaf).max() for leaf in jax.tree.leaves(opening)]
        assert min(large) > 1e-3, large  # a hundred times what is let pass

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


@pytest.mark.thinned(13)
@pytest.mark.parametrize(
    "agent, core, actions",
    [*((agent, core, "discrete") for agent in REPLAYING for core in QUICK),
     ("ppo", "s5", "squashed"), ("ppo", "gru", "normalized")],
)  # fmt: skip
def test_before_the_first_step_of_an_update_replay_agrees(
    small_agent, agent, core, actions
):
    agent = small_agent(agent, core, actions, learning_rate=0.02, epochs=2)
    learner = agent.initialise(jax.random.key(3))
    update = jax.jit(agent.update)
    for _ in range(4):
        before = learner.params
        learner, metrics = update(learner)
        # Learning does move parameters: they do not agree for lack of change.
        moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), before, learner.params)
        assert max(jax.tree.leaves(moved)) > 1e-4
        assert metrics["episode/count"] > 0
        # Of each agent: its ratios from one, its values from those that were acted on.
        (error,) = [x for name, x in metrics.items() if "/first_" in name]
        np.testing.assert_allclose(error, 0, atol=5e-6)
        # Memory lives on between updates, in lanes whose episode does.
        inside = ~np.asarray(learner.situation.reset)
        for leaf in jax.tree.leaves(learner.situation.carry):
            assert core == "mlp" or np.any(leaf[inside])
