"""Several seeds in one program, of every agent: each learns as it would alone, and it
compiles once.

Mutants, and the test that fails for each:

    seed-axis reduction removed  stay_a_conditional
"""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.axes import Axes
from tests.agents.members import AGENTS, UNLIKE

SEEDS, UPDATES = 3, 3


def train(agent, vmapped, keys):
    """Learner and metrics after some updates; the update is traced once only."""
    initialise = agent.initialise
    chex.clear_trace_counter()  # which may know one of before by the same address
    update = chex.assert_max_traces(lambda learner: agent.update(learner), n=1)
    if vmapped:
        initialise = jax.vmap(initialise, axis_name=agent.axes.seeds)
        update = jax.vmap(update, axis_name=agent.axes.seeds)
    update, runs = jax.jit(update), []
    for key in keys:
        learner, metrics = initialise(key), []
        for _ in range(UPDATES):
            learner, now = update(learner)
            metrics.append(now)
        metrics = jax.tree.map(lambda *x: np.stack(x), *metrics)
        learner = learner._replace(key=jax.random.key_data(learner.key))
        runs.append((jax.tree.map(np.asarray, learner), metrics))
    return runs


@pytest.fixture(scope="module")
def keys():
    return jax.random.split(jax.random.key(7), SEEDS)


@pytest.fixture(scope="module")
def config():
    return dict(epochs=2, num_minibatches=2, learning_rate=0.01)


@pytest.fixture(scope="module", params=UNLIKE)
def name(request):
    """Of an agent."""
    return request.param


@pytest.fixture(scope="module")
def together(small_agent, name, keys, config):
    """The same keys twice."""
    agent = small_agent(name, "gru", axes=Axes(seeds="seed"), **config)
    return train(agent, True, [keys, keys])


@pytest.mark.thinned(4)
def test_each_of_several_seeds_learns_as_it_would_alone(
    together, small_agent, name, keys, config
):
    alone = train(small_agent(name, "gru", **config), False, keys)
    learners, metrics = together[0]
    for i, (learner, its_metrics) in enumerate(alone):
        mine = jax.tree.map(lambda x, i=i: x[i], learners)
        chex.assert_trees_all_close(mine, learner, rtol=1e-3, atol=1e-4)
        mine = jax.tree.map(lambda x, i=i: x[:, i], metrics)
        chex.assert_trees_all_close(mine, its_metrics, rtol=1e-3, atol=1e-4)
    # Time limits cut episodes in some seeds at other steps than in others.
    count = metrics["episode/count"]
    assert (count[:, 0] != count[:, 1]).any()


def test_different_seeds_differ(together, name):
    learners, metrics = together[0]
    loss = next(values for name, values in metrics.items() if name.startswith("loss/"))
    learnt = jax.tree.leaves(learners.params)
    if name == "distill":  # whose critic has no loss: biases stay at zero
        learnt = [leaf for leaf in learnt if leaf.any()]
    for leaf in (*learnt, loss.T):
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert not np.array_equal(leaf[one], leaf[other])


def test_the_same_seed_twice_is_bit_identical(together):
    chex.assert_trees_all_equal(*together)


@pytest.mark.parametrize("seed_axis", ["seed", None])
@pytest.mark.parametrize("agent", AGENTS)
def test_time_limits_stay_a_conditional_when_seeds_are_vmapped(
    small_agent, agent, seed_axis
):
    agent = small_agent(agent, "mlp", axes=Axes(seeds=seed_axis))
    keys = jax.random.split(jax.random.key(0), 2)
    learners = jax.eval_shape(jax.vmap(agent.initialise), keys)
    update = jax.vmap(agent.update, axis_name=seed_axis)
    conditions = [
        equation.invars[0].aval.shape
        for equation in equations(jax.make_jaxpr(update)(learners).jaxpr)
        if equation.primitive.name == "cond"
    ]
    assert conditions == ([()] if seed_axis else [])


def equations(jaxpr):
    """Those of a program and of all programs inside it."""
    for equation in jaxpr.eqns:
        yield equation
        for value in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "jaxpr")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from equations(inner)


def test_state_counts_its_updates_and_draws_new_keys(together, keys):
    learners, _ = together[0]
    np.testing.assert_array_equal(learners.num_updates, np.full(SEEDS, UPDATES))
    assert len(np.unique(learners.key, axis=0)) == SEEDS
    assert not np.array_equal(learners.key, jax.random.key_data(keys))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(learners.params))
    assert jnp.ndim(learners.situation.reset) == 2
