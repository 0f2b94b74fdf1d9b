"""Fitting: which trajectories a gradient step sees, and what its gradient becomes.

Mutants, and the test that fails for each:

    take_lanes reshapes over time   lanes_are_taken, every_epoch
    memory of other lanes           lanes_are_taken, every_epoch
    same split in every epoch       every_epoch
    one key for all gradient steps  has_its_own_key
    errors are averaged             before_the_first_step
    gradient clipped after Adam     adam_sees
    annealing forgets the epochs    learning_rate_falls
    entropy is punished             entropy_bonus
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from agents.acting.config import RolloutConfig
from agents.acting.fit import Minibatch, fit, take_lanes
from agents.acting.rollout import Rollout

T, B = 6, 8


@pytest.fixture
def batch():
    """Every entry says where it stands: 100 * lane + time."""
    entry = jnp.arange(T)[:, None] + 100 * jnp.arange(B)[None]
    rollout = Rollout(*([entry] * len(Rollout._fields)))
    carry = {"a": 100 * jnp.arange(B), "b": 100 * jnp.arange(B)[:, None]}
    return Minibatch(carry, rollout._replace(obs=entry[..., None]), entry)


def test_lanes_are_taken_whole_in_order_and_with_their_own_memory(batch):
    lanes = np.array([5, 2, 7])
    part = take_lanes(batch, jnp.array(lanes))
    want = np.arange(T)[:, None] + 100 * lanes
    for leaf in jax.tree.leaves((part.rollout, part.extra)):
        np.testing.assert_array_equal(leaf.reshape(T, 3), want)
    for leaf in jax.tree.leaves(part.initial_carry):
        np.testing.assert_array_equal(leaf.reshape(3), 100 * lanes)


@pytest.fixture
def shown(small_ppo, batch):
    """The minibatches that `fit` makes: what each of 3 x 2 gradient steps sees.

    The gradient of the loss marks the lanes that it was given.
    """
    config = RolloutConfig(num_envs=B, epochs=3, num_minibatches=2)
    seen, optimizer = [], optax.sgd(1.0)

    def mark(params, part, key):
        lanes = part.extra[0] // 100
        jax.debug.callback(
            lambda *now: seen.append(now),
            *(part.extra, part.rollout.action, part.initial_carry["a"]),
            jax.random.key_data(key),
            ordered=True,
        )
        # Before the first step no lane is marked, and two of each epoch's are later.
        marked = -params.sum()
        return params[lanes].sum(), {"b/x_error": marked, "z": marked, "loss/a": marked}

    params = jnp.zeros(B)
    params, _, metrics = fit(
        *(params, optimizer.init(params), batch, jax.random.key(0)),
        loss=mark,
        optimizer=optimizer,
        config=config,
    )
    jax.effects_barrier()
    return [jax.tree.map(np.asarray, now) for now in seen], params, metrics


def test_every_epoch_fits_each_whole_trajectory_once(shown):
    seen, params, _ = shown
    assert len(seen) == 3 * 2
    np.testing.assert_array_equal(params, np.full(B, -3.0))
    splits = []
    for advantage, action, carry, _ in seen:
        lanes = carry // 100
        np.testing.assert_array_equal(advantage, np.arange(T)[:, None] + 100 * lanes)
        np.testing.assert_array_equal(action, advantage)
        splits.append(tuple(lanes))
    for epoch in range(3):
        both = splits[2 * epoch] + splits[2 * epoch + 1]
        assert sorted(both) == list(range(B))
    assert len(set(splits)) > 2  # another split of the lanes in each epoch


def test_errors_are_those_before_the_first_step_and_the_rest_are_means(shown):
    _, _, metrics = shown
    # 0, 4, ... 20 marks before each of the six steps.
    assert metrics["z"] == metrics["loss/a"] == 10
    assert metrics["b/first_x_error"] == 0 and "b/x_error" not in metrics
    # Errors do not spread; a bad loss does.
    assert [*metrics][:: len(metrics) - 1] == ["loss/a", "b/first_x_error"]


def test_every_gradient_step_has_its_own_key(shown):
    keys = [tuple(key) for *_, key in shown[0]]
    assert len(set(keys)) == len(keys)


def tree_norm(tree):
    return np.sqrt(sum(float((x**2).sum()) for x in jax.tree.leaves(tree)))


@pytest.mark.parametrize("raw, seen", [(10.0, 0.5), (0.2, 0.2)])
def test_adam_sees_a_gradient_of_bounded_norm(small_ppo, raw, seen):
    optimizer = small_ppo("mlp", max_grad_norm=0.5).optimizer
    grads = {"a": jnp.array([3.0, 0.0]), "b": jnp.array([[4.0]])}
    grads = jax.tree.map(lambda x: x * raw / 5, grads)
    _, state = optimizer.update(grads, optimizer.init(grads), grads)
    (adam,) = [
        part
        for part in jax.tree.leaves(state, is_leaf=lambda x: hasattr(x, "mu"))
        if hasattr(part, "mu")
    ]
    # Adam's first moment starts as a tenth of the gradient it was given.
    np.testing.assert_allclose(tree_norm(adam.mu), 0.1 * seen, rtol=1e-5)
    direction = jax.tree.map(
        lambda m, g: m / tree_norm(adam.mu) - g / raw, adam.mu, grads
    )
    np.testing.assert_allclose(tree_norm(direction), 0, atol=1e-6)


@pytest.mark.parametrize("anneal", [False, True])
def test_the_learning_rate_falls_linearly_to_zero_over_the_run(small_ppo, anneal):
    num_steps = 3 * 2 * 4  # updates * epochs * minibatches
    agent = small_ppo(
        "mlp",
        num_updates=3,
        epochs=2,
        num_minibatches=4,
        learning_rate=0.1,
        anneal_learning_rate=anneal,
        adam_epsilon=1e-8,
    )
    grads = jnp.full((3,), 0.01)  # constant: Adam's step is then the learning rate
    state, rates = agent.optimizer.init(grads), []
    update = jax.jit(agent.optimizer.update)
    for _ in range(num_steps + 1):
        step, state = update(grads, state)
        rates.append(-float(step[0]))
    left = 1 - np.arange(num_steps + 1) / num_steps if anneal else 1.0
    np.testing.assert_allclose(rates, 0.1 * left * np.ones(num_steps + 1), atol=1e-5)


@pytest.fixture(scope="module")
def entropies(small_ppo):
    """Entropy of the policy over updates, with and without a bonus for it."""

    def train(coefficient):
        agent = small_ppo(
            "mlp", entropy_coefficient=coefficient, learning_rate=0.02, epochs=8
        )
        learner = agent.initialise(jax.random.key(0))
        # A policy with something to gain: its first action is likely at every step.
        output = learner.params["params"]["actor_output"]
        output["bias"] = jnp.array([2.0, 0.0, 0.0])
        update, out = jax.jit(agent.update), []
        for _ in range(3):
            learner, metrics = update(learner)
            out.append(metrics)
        return out

    return train(0.0), train(1.0)


@pytest.mark.slow
def test_an_entropy_bonus_raises_entropy(entropies):
    without, with_bonus = ([m["loss/entropy"] for m in run] for run in entropies)
    assert with_bonus[-1] > with_bonus[0] + 0.1  # of log(3) at most
    assert with_bonus[-1] > without[-1] + 0.1


def test_metrics_keep_their_names_and_are_finite_scalars(entropies):
    names = {tuple(metrics) for run in entropies for metrics in run}
    assert len(names) == 1
    for metrics in entropies[0]:
        assert all(x.shape == () and np.isfinite(x) for x in metrics.values())
        assert metrics["diagnostics/grad_norm"] > 0
        assert metrics["diagnostics/approx_kl"] >= -1e-6


def test_metrics_come_in_the_order_in_which_a_bad_value_spreads(small_ppo):
    """jit and scan sort dicts by name; what traces `update` sees the agent's order."""
    agent, names = small_ppo("mlp"), []

    def update(learner):
        _, metrics = agent.update(learner)
        names.extend(metrics)
        return 0

    jax.eval_shape(update, jax.eval_shape(agent.initialise, jax.random.key(0)))
    spread = ["rollout/reward", "rollout/value", "loss/value", "diagnostics/grad_norm"]
    assert [name for name in names if name in spread] == spread
