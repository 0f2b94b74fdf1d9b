"""Epochs of minibatch gradient steps on one rollout."""

from typing import Any, Protocol

import jax
import optax
from jax import Array

from agents.ppo.objective import Actor, Minibatch, loss


class Fitted(Actor, Protocol):
    """What fitting needs of an agent beside its objective."""

    @property
    def optimizer(self) -> optax.GradientTransformation: ...


def fit(params: Any, opt_state: Any, batch: Minibatch, key: Array, agent: Fitted):
    """Several epochs of minibatch gradient steps on one rollout.

    Returns:
      `(params, opt_state, metrics)`, metrics averaged over all gradient steps.
    """
    config = agent.config

    def step(state, now):
        params, opt_state = state
        lanes, key = now
        part = take_lanes(batch, lanes)
        grads, metrics = jax.grad(loss, has_aux=True)(params, part, key, agent)
        # optax raises a float to the power of a counter: no strict session lets it.
        with jax.numpy_dtype_promotion("standard"):
            updates, opt_state = agent.optimizer.update(grads, opt_state, params)
        params = optax.apply_updates(params, updates)
        norm = optax.tree.norm
        metrics["diagnostics/grad_norm"] = norm(grads)
        metrics["diagnostics/param_norm"] = norm(params)
        return (params, opt_state), metrics

    lanes_key, loss_key = jax.random.split(key)
    lanes = jax.vmap(lambda key: jax.random.permutation(key, config.num_envs))(
        jax.random.split(lanes_key, config.epochs)
    )
    num_steps = config.epochs * config.num_minibatches
    lanes = lanes.reshape(num_steps, -1)
    keys = jax.random.split(loss_key, num_steps)
    (params, opt_state), metrics = jax.lax.scan(
        step, (params, opt_state), (lanes, keys)
    )
    # Before the first step, replaying must give what acting gave.
    first_error = metrics.pop("diagnostics/ratio_error")[0]
    # A scan gives dicts back sorted by name; a bad loss spreads to the diagnostics.
    order = sorted(metrics, key=lambda name: (not name.startswith("loss/"), name))
    metrics = {name: metrics[name].mean() for name in order}
    return params, opt_state, {**metrics, "diagnostics/first_ratio_error": first_error}


def take_lanes(batch: Minibatch, lanes: Array) -> Minibatch:
    """The trajectories of some environments, whole and in order."""
    return Minibatch(
        initial_carry=jax.tree.map(lambda x: x[lanes], batch.initial_carry),
        rollout=jax.tree.map(lambda x: x[:, lanes], batch.rollout),
        advantage=batch.advantage[:, lanes],
    )
