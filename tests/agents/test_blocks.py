"""Lanes in blocks make one learner: what each block collected is fitted as if they lay
together. Of every agent, and of what stands for all lanes.

Where learners lie on several devices is `tests/experiment/run/test_mesh.py`'s.

Mutants, and the test that fails for each:

    gradients of each block alone                      as_a_whole
    advantages centred in each block                   as_a_whole (ppo)
    an advantage's deviation is the block's            as_a_whole (ppo)
    statistics of observations are the block's         as_a_whole (ppo)
    statistics of returns are the block's              as_a_whole (ppo)
    a share is of the block's own count                as_a_whole (imitate), shares
    explained variance is a mean of the blocks'        explain
    totals of episodes are means                       as_a_whole, as_their_names_say
    errors are means                                   as_their_names_say
    epsilon by lane of the block                       epsilon
    advantages of a group are centred in each block    by_group
    lanes of a block that are not its own              same_environments
    all blocks draw alike                              draw_apart
"""

from importlib import import_module
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.axes import ALONE, Axes
from agents.distill.agent import Distill
from agents.ppo.agent import advantage_metrics
from agents.ppo.config import PPOConfig
from agents.ppo.objective import clipped_surrogate
from tests.agents.members import AGENTS, UNLIKE

pytestmark = pytest.mark.lenient

BLOCKS, LANES = 2, 4
BESIDE = Axes(beside="block")
# What stands for all lanes, switched on.
OPTIONS = {
    "ppo": dict(
        actions="normalized", scale_rewards=True, anchor_weight=0.1, foresight_weight=1
    ),
}


def over(agent, change, learner):
    """A learner whose parts that have lanes are changed."""
    part = lambda has, x: jax.tree.map(change, x) if has else x  # noqa: E731
    return jax.tree.map(part, agent.lanes, learner)


def joined(agent, learner):
    """Blocks [2, B / 2, ...] as [B, ...]."""
    return over(agent, lambda x: x.reshape(-1, *x.shape[2:]), learner)


def in_blocks(agent, update, learner):
    """An update of blocks beside each other: learner and metrics, as of one."""
    axes = jax.tree.map(lambda has: 0 if has else None, agent.lanes)
    mapped = jax.vmap(update, (axes,), (axes, None), axis_name="block")
    cut = over(agent, lambda x: x.reshape(BLOCKS, -1, *x.shape[1:]), learner)
    learner, metrics = jax.jit(mapped)(cut)
    return joined(agent, learner), metrics


def own(axes, collected):
    """A block's part of (situation, rollout), or of those with state and note."""
    *still, last = collected
    in_time = [-2, -1] if len(collected) == 4 else [-1]

    def part(x):
        return jnp.swapaxes(axes.own(jnp.swapaxes(x, 0, 1)), 0, 1)

    found = [axes.own(x) for x in (*still, last)]
    for place in in_time:
        found[place] = jax.tree.map(part, collected[place])
    return tuple(found)


class Collected(Exception):
    """Cuts an update short."""


@pytest.fixture(params=AGENTS)
def case(request, small_agent, monkeypatch):
    """`(agent, the same in blocks, learner)`: both are handed the same collection."""
    name = request.param
    sizes = dict(epochs=2, num_minibatches=1, learning_rate=0.01)
    build = {**sizes, **OPTIONS.get(name, {})}
    agent = small_agent(name, "gru", **build)
    blocks = small_agent(name, "gru", axes=BESIDE, **build)
    learner = agent.initialise(jax.random.key(3))
    # A first critic may say 0 of everything.
    params = jax.tree.map(lambda x: x + 0.1, learner.params)
    learner = learner._replace(params=params)
    module, kept, traced = import_module(f"agents.{name}.agent"), [], []
    collect = "collect_guided" if hasattr(module, "collect_guided") else "collect"
    real, make = getattr(module, collect), Distill.histories

    def collected(value):
        traced.append(value)
        if len(traced) == (2 if name == "distill" else 1):
            raise Collected
        return value

    def cut_short(learner):
        with pytest.raises(Collected):
            agent.update(learner)
        return list(traced)

    with monkeypatch.context() as patch:
        patch.setattr(module, collect, lambda *a, **b: collected(real(*a, **b)))
        patch.setattr(Distill, "histories", lambda *a: collected(make(*a)))
        kept += jax.jit(cut_short)(learner)

    def told(*_, axes, **__):
        return own(axes, kept[0])

    monkeypatch.setattr(module, collect, told)
    monkeypatch.setattr(
        Distill, "histories", lambda self, key: own(self.axes, kept[1:])[0]
    )
    return agent, blocks, learner


@pytest.mark.thinned(4)
def test_blocks_are_fitted_as_a_whole(case):
    agent, blocks, learner = case
    one, metrics = jax.jit(agent.update)(learner)
    other, of_blocks = in_blocks(blocks, blocks.update, learner)
    assert list(metrics) == list(of_blocks)
    close = dict(rtol=2e-4, atol=2e-5)
    for name, value in metrics.items():
        np.testing.assert_allclose(of_blocks[name], value, **close, err_msg=name)
    for field in ("params", "extra", "situation", "num_updates"):
        jax.tree.map(
            lambda x, y: np.testing.assert_allclose(x, y, **close),
            *(getattr(one, field), getattr(other, field)),
        )
    moved = jax.tree.map(lambda x, y: np.abs(x - y).max(), learner.params, one.params)
    assert max(jax.tree.leaves(moved)) > 1e-4


@pytest.fixture(scope="module", params=UNLIKE)
def begun(request, small_agent):
    """A new learner, whole and of blocks, and what blocks became in an update."""
    build = dict(num_minibatches=1)
    agent = small_agent(request.param, "gru", **build)
    blocks = small_agent(request.param, "gru", axes=BESIDE, **build)
    learner = agent.initialise(jax.random.key(3))
    return agent, blocks, learner, in_blocks(blocks, blocks.update, learner)[0]


@pytest.mark.thinned(2)
def test_blocks_begin_in_the_same_environments(begun):
    """Each draws its own lanes of all; nothing else depends on blocks."""
    _, blocks, whole, _ = begun
    axes = jax.tree.map(lambda has: 0 if has else None, blocks.lanes)
    drawn = jax.vmap(
        lambda _: blocks.initialise(jax.random.key(3)), 0, axes, axis_name="block"
    )(jnp.arange(BLOCKS))
    together = jax.tree.leaves(joined(blocks, drawn))
    for one, other in zip(jax.tree.leaves(whole), together, strict=True):
        if not jnp.issubdtype(one.dtype, jax.dtypes.prng_key):
            np.testing.assert_array_equal(one, other)


@pytest.mark.thinned(2)
def test_blocks_draw_apart(begun):
    """From the same situation, lanes of different blocks go different ways."""
    _, blocks, learner, _ = begun
    alike = jax.tree.map(lambda x: jnp.broadcast_to(x[:1], x.shape), learner.situation)
    after, _ = in_blocks(blocks, blocks.update, learner._replace(situation=alike))
    first, second = after.situation.obs.reshape(BLOCKS, -1)
    assert (first != second).any()


def test_epsilon_falls_over_the_lanes_of_all_blocks(small_agent):
    whole, blocks = small_agent("pqn"), small_agent("pqn", axes=BESIDE)
    learner = whole.initialise(jax.random.key(0))
    learner = learner._replace(num_updates=jnp.ones((), jnp.int32))

    def epsilon(now):
        obs, reset = now.obs[None], now.reset[None]
        return blocks.behaviour(learner)(now.carry, obs, reset)[1]._epsilon

    cut = jax.tree.map(lambda x: x.reshape(BLOCKS, -1, *x.shape[1:]), learner.situation)
    found = jax.vmap(epsilon, axis_name="block")(cut)
    wanted = whole.epsilon(learner.num_updates, LANES)
    np.testing.assert_allclose(found.reshape(-1), wanted, rtol=1e-6)
    assert len(np.unique(wanted)) == LANES


def test_shares_of_a_mean_add_up():
    rng = np.random.default_rng(0)
    total = jnp.asarray(rng.normal(size=BLOCKS), jnp.float32)
    for count in ([3.0, 1.0], [0.0, 2.0], [0.0, 0.0]):
        shares = jax.vmap(BESIDE.share, axis_name="block")(total, jnp.asarray(count))
        wanted = total.sum() / max(sum(count), 1)
        np.testing.assert_allclose(shares.mean(), wanted, rtol=1e-6)
    assert ALONE.share(total[0], jnp.asarray(4.0)) == total[0] / 4


def test_advantages_by_group_are_of_all_blocks():
    rng = np.random.default_rng(0)
    shape = (5, LANES)
    ratio = jnp.asarray(np.exp(0.3 * rng.normal(size=shape)), jnp.float32)
    advantage = jnp.asarray(rng.normal(2, 3, shape), jnp.float32)
    group = jnp.asarray(rng.integers(0, 3, shape), jnp.int32)
    config = PPOConfig(group_advantages=True)
    wanted = clipped_surrogate(ratio, advantage, config, group, 3)
    cut = [x.reshape(5, BLOCKS, -1).swapaxes(0, 1) for x in (ratio, advantage, group)]
    found = jax.vmap(
        lambda ratio, advantage, group: BESIDE.mean(
            clipped_surrogate(ratio, advantage, config, group, 3, BESIDE)
        ),
        axis_name="block",
    )(*cut)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


def test_scalars_of_blocks_are_joined_as_their_names_say():
    found = jax.vmap(BESIDE.metrics, axis_name="block")(
        {
            "episode/count": jnp.array([1, 2]),
            "diagnostics/ratio_error": jnp.array([1.0, 4.0]),
            "loss/value": jnp.array([1.0, 4.0]),
        }
    )
    wanted = {"episode/count": 3, "diagnostics/ratio_error": 4, "loss/value": 2.5}
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)


def test_what_values_explain_is_of_all_lanes():
    rng = np.random.default_rng(0)
    # Lanes of the second block earn more, which each block by itself cannot see.
    shift = np.repeat([0.0, 5.0], LANES // BLOCKS)
    advantage = jnp.asarray(rng.normal(size=(5, LANES)) + shift, jnp.float32)
    value = jnp.asarray(rng.normal(size=(5, LANES)) - shift, jnp.float32)

    def explained(value, advantage, axes):
        rollout = SimpleNamespace(value=value)
        found = advantage_metrics(rollout, advantage, axes)
        return axes.metrics(found)["diagnostics/explained_variance"]

    wanted = explained(value, advantage, ALONE)
    cut = [x.reshape(5, BLOCKS, -1).swapaxes(0, 1) for x in (value, advantage)]
    found = jax.vmap(lambda *x: explained(*x, BESIDE), axis_name="block")(*cut)
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
