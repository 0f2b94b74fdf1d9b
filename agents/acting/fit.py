"""Epochs of minibatch gradient steps on one rollout."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import optax
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.config import RolloutConfig
from agents.acting.rollout import Metrics


class Minibatch(NamedTuple):
    """Whole trajectories: n of B lanes, from the memory that they began with."""

    initial_carry: Any  # [n, ...] memory before obs[0] is read
    rollout: Any  # a `Rollout` [T, n, ...], of agents that learn from their own
    extra: Any  # [T, n, ...] what the agent made of it, advantages for one


Loss = Callable[[Any, Minibatch, Array], tuple[Array, Metrics]]


def fit(
    params: Any,
    opt_state: Any,
    batch: Minibatch,
    key: Array,
    *,
    loss: Loss,
    optimizer: optax.GradientTransformation,
    config: RolloutConfig,
    axes: Axes = ALONE,
) -> tuple[Any, Any, Metrics]:
    """Several epochs of minibatch gradient steps on one rollout.

    Args:
      params: of the network.
      opt_state: of `optimizer`.
      batch: all lanes.
      key: consumed.
      loss: `(params, minibatch, key) -> (loss, metrics)`. A metric `.../x_error` says
        how far replaying is from what acting gave; before the first step they agree.
      optimizer: what makes steps of gradients.
      config: how many lanes, epochs and minibatches.
      axes: over which this call is mapped. A minibatch has as many lanes of each block,
        and lanes are shuffled within their block: none is sent elsewhere.

    Returns:
      `(params, opt_state, metrics)`. Metrics are means over all gradient steps; of
      each `.../x_error`, the value before the first, as `.../first_x_error`.
    """

    def step(state, now):
        params, opt_state = state
        lanes, key = now
        part = take_lanes(batch, lanes)
        grads, metrics = jax.grad(loss, has_aux=True)(params, part, key)
        grads = axes.mean(grads)
        # optax raises a float to the power of a counter: no strict session lets it.
        with jax.numpy_dtype_promotion("standard"):
            updates, opt_state = optimizer.update(grads, opt_state, params)
        params = optax.apply_updates(params, updates)
        norm = optax.tree.norm
        metrics["diagnostics/grad_norm"] = norm(grads)
        metrics["diagnostics/param_norm"] = norm(params)
        return (params, opt_state), metrics

    num_lanes = axes.count(config.num_envs)
    lanes_key, loss_key = jax.random.split(axes.key(key))
    lanes = jax.vmap(lambda key: jax.random.permutation(key, num_lanes))(
        jax.random.split(lanes_key, config.epochs)
    )
    num_steps = config.epochs * config.num_minibatches
    lanes = lanes.reshape(num_steps, -1)
    keys = jax.random.split(loss_key, num_steps)
    (params, opt_state), metrics = jax.lax.scan(
        step, (params, opt_state), (lanes, keys)
    )
    return params, opt_state, _summarised(metrics)


def _summarised(metrics: Metrics) -> Metrics:
    """From [steps] each to scalars, in the order in which a bad value would spread."""
    first = {
        name.replace("/", "/first_"): metrics.pop(name)[0]
        for name in [name for name in metrics if name.endswith("_error")]
    }
    # A scan gives dicts back sorted by name; a bad loss spreads to the diagnostics.
    order = sorted(metrics, key=lambda name: (not name.startswith("loss/"), name))
    return {name: metrics[name].mean() for name in order} | first


def take_lanes(batch: Minibatch, lanes: Array) -> Minibatch:
    """The trajectories of some environments, whole and in order."""
    return Minibatch(
        initial_carry=jax.tree.map(lambda x: x[lanes], batch.initial_carry),
        rollout=jax.tree.map(lambda x: x[:, lanes], batch.rollout),
        extra=jax.tree.map(lambda x: x[:, lanes], batch.extra),
    )


def learning_rate(config: RolloutConfig, num_updates: int) -> float | optax.Schedule:
    """What an optimiser is told: a number, or one that falls over `num_updates`."""
    if not config.anneal_learning_rate:
        return config.learning_rate
    steps = num_updates * config.epochs * config.num_minibatches
    return optax.linear_schedule(config.learning_rate, 0.0, steps)
