"""An agent that is told its numbers while a program runs is the agent that had them.

| mutant | fails |
|---|---|
| `told` leaves out one option of a configuration | test_told_is_built (of its agent) |
| the optimiser is made of what the agent had before | test_told_is_built |
| `told` leaves the core as it is | test_a_memory_begins_as_it_is_told |
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import agents
from s5rl.config import CORE_CONFIGS

# Another value of each number, and not a round one.
OTHER = {
    **{"learning_rate": 3e-3, "max_grad_norm": 0.07, "discount": 0.83},
    **{"gae_lambda": 0.71, "td_lambda": 0.71, "clip_epsilon": 0.04},
    **{"value_clip_epsilon": 0.02, "value_coefficient": 0.9},
    **{"entropy_coefficient": 0.3, "advantage_epsilon": 0.4, "adam_epsilon": 0.01},
    **{"epsilon_start": 0.8, "epsilon_end": 0.3, "epsilon_spread": 2.5},
    "value_weight": 0.7,
}
STEPS = {"dt_min": 0.0031, "dt_max": 0.27}
INITIAL = {
    **dict.fromkeys(("s5", "s4d", "mamba", "mamba2"), STEPS),
    "lru": {"r_min": 0.31, "r_max": 0.83, "max_phase": 1.7},
    "mingru": {"time_min": 2.5, "time_max": 71.0},
    "minlstm": {"time_min": 2.5, "time_max": 71.0},
}


def slow(name):
    return pytest.param(name, marks=pytest.mark.slow)


def swept(cls):
    return {f.name for f in dataclasses.fields(cls) if f.metadata.get("swept")}


def test_every_number_that_is_declared_is_tried():
    for cls in agents.CONFIGS.values():
        assert swept(cls) <= OTHER.keys()
    assert {n: set(v) for n, v in INITIAL.items()} == {
        name: found for name, cls in CORE_CONFIGS.items() if (found := swept(cls))
    }


@pytest.mark.parametrize("name", [n if n == "pqn" else slow(n) for n in agents.CONFIGS])
def test_told_is_built(small_agent, name):
    """All numbers at once: after two updates, one that did not count would show."""
    numbers = {key: OTHER[key] for key in swept(agents.CONFIGS[name])}
    anneal = dict(anneal_learning_rate=True, epochs=2)
    built = small_agent(name, "mlp", **anneal, **numbers)
    plain = small_agent(name, "mlp", **anneal)

    def after(learner, numbers):
        agent = plain.told(numbers, {}) if numbers else built
        for _ in range(2):
            learner, metrics = agent.update(learner)
        return learner.params, metrics

    learner = built.initialise(jax.random.key(3))
    wanted, theirs = jax.jit(after)(learner, {})
    found, ours = jax.jit(after)(learner, jax.tree.map(jnp.float32, numbers))
    close = dict(rtol=2e-4, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, **close), found, wanted)
    for key, value in theirs.items():
        np.testing.assert_allclose(ours[key], value, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", [n if n == "mingru" else slow(n) for n in INITIAL])
def test_a_memory_begins_as_it_is_told(small_agent, small_core, name):
    plain, numbers = small_agent("pqn", name), INITIAL[name]
    core = plain.network.core
    with_them = dataclasses.replace(core.config, **numbers)
    network = plain.network.clone(core=core.clone(config=with_them))
    built = dataclasses.replace(plain, network=network)

    def begun(numbers):
        return plain.told({}, numbers).initialise(jax.random.key(1)).params

    found = jax.jit(begun)(jax.tree.map(jnp.float32, numbers))
    wanted = built.initialise(jax.random.key(1)).params
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        found,
        wanted,
    )
    before = plain.initialise(jax.random.key(1)).params
    moved = jax.tree.map(lambda a, b: not np.allclose(a, b), found, before)
    assert any(jax.tree.leaves(moved))
