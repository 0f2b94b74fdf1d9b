"""What PQN minimises: the squared error to its own lambda-returns."""

from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.fit import Minibatch
from agents.acting.returns import lambda_returns
from agents.acting.rollout import Metrics, Rollout
from agents.pqn.config import PQNConfig


class Valued(Protocol):
    """What the objective needs of an agent."""

    @property
    def config(self) -> PQNConfig: ...
    def q(self, params: Any, carry: Any, obs: Any, reset: Array) -> Array: ...


def loss(
    params: Any, batch: Minibatch, key: Array, agent: Valued
) -> tuple[Array, Metrics]:
    """Half the mean squared error to `targets`. There is nothing to draw with `key`."""
    rollout = batch.rollout
    q = agent.q(params, batch.initial_carry, rollout.obs, rollout.reset)
    value = jax.lax.stop_gradient(q.max(-1))
    target = targets(value, rollout, agent.config)
    chosen = jnp.take_along_axis(q, rollout.action[..., None], axis=-1)[..., 0]
    error = jnp.square(chosen - target).mean() / 2
    return error, {
        "loss/value": error,
        "diagnostics/q_error": jnp.abs(value - rollout.value).max(),
    }


def targets(value: Array, rollout: Rollout, config: PQNConfig) -> Array:
    """[T, n] returns, Peng's Q(lambda), from values of now.

    Inside an episode, what action t led to is obs[t+1]. What a time limit cut, and what
    the rollout's last step led to, was read when it was collected, each with its own
    memory; these values are older by the gradient steps since.

    Args:
      value: [T, n] of the best action on obs[t].
      rollout: [T, n, ...]
      config: of the agent.
    """
    following = jnp.concatenate([value[1:], rollout.next_value[-1:]])
    cut = rollout.truncated & ~rollout.terminated
    return lambda_returns(
        reward=rollout.reward,
        next_value=jnp.where(cut, rollout.next_value, following),
        terminated=rollout.terminated,
        truncated=rollout.truncated,
        discount=config.discount * rollout.continuation,
        lambda_=config.td_lambda,
    )
