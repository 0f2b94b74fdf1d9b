"""Memory is asked what will be seen next, besides what it is there for.

    L = mean |f(h[t], a[t]) - obs[t+1]|^2 / (2 D)    over t with obs[t+1] in the episode

Rewards and answers say little of what an agent has to find out; the next observation
says something in every step (an auxiliary task: Jaderberg et al., 2017). Of a
meta-environment it holds the reward too, so that a task whose effects memory can
foretell is one that it knows.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.fit import Minibatch
from agents.acting.rollout import Metrics
from envs.contract.spaces import is_vector

# Distribution over [T, B], what a value is made of, weighted error [], its metrics.
Replayed = tuple[Any, Array, Array, Metrics]
PREFIX = "foresight"  # of the names of a network's layers that foretell


def replayed(
    network: Any,
    variables: Any,
    batch: Minibatch,
    weight: float,
    bit: Any = None,
    axes: Axes = ALONE,
) -> Replayed:
    """A minibatch read anew, from the memory that it began with.

    Args:
      network: an `ActorCritic`, which foretells if `weight` is not 0.
      variables: its.
      batch: with its `rollout`.
      weight: of the error, in the loss.
      bit: [T, n] bool, what the actor is told.
      axes: over which this call is mapped.

    Returns:
      `(distribution, value, cost, metrics)`; of metrics, the error where there is one.
    """
    rollout = batch.rollout
    given = batch.initial_carry, rollout.obs, rollout.reset
    if not weight:
        _, distribution, value = network.apply(variables, *given, bit, method="judged")
        return distribution, value, jnp.zeros((), jnp.float32), {}
    _, distribution, value, both = network.apply(
        variables, *given, rollout.action, bit, method="foretelling"
    )
    told, seen = both
    wrong = error(told, seen, rollout.reset, axes)
    return distribution, value, weight * wrong, {"loss/foresight": wrong}


def foretold(weight: float, observations: Any, actions: Any) -> Any:
    """What an `ActorCritic` is to be told for this: the space of actions, or None.

    Raises:
      ValueError: if something is to be foretold that is no vector.
    """
    if not weight:
        return None
    if not is_vector(observations):
        raise ValueError(
            "foresight_weight asks for the next observation, which must be a vector; "
            f"got {observations!r}."
        )
    return actions


def error(foretold: Array, seen: Array, reset: Array, axes: Axes = ALONE) -> Array:
    """[] half the mean square of what was foretold wrongly.

    Across the end of an episode nothing is foretold, nor is what comes after the last
    step. The target is no reason to change what is seen.

    Args:
      foretold: [T, B, D] at t, of what is seen at t + 1.
      seen: [T, B, D] observations as the network reads them.
      reset: [T, B] bool, an observation opens a segment.
      axes: over which this call is mapped; it is a block's share of the mean.
    """
    inside = ~reset[1:]
    away = jnp.square(foretold[:-1] - jax.lax.stop_gradient(seen[1:])).mean(-1)
    # Selected, not multiplied: what is not finite stays where it is.
    return axes.share(jnp.where(inside, away, 0).sum(), inside.sum()) / 2


def parted(variables: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables of a network without its layers that foretell; and their parameters."""
    inner = variables["params"]
    layers = {name: x for name, x in inner.items() if name.startswith(PREFIX)}
    rest = {name: x for name, x in inner.items() if name not in layers}
    return {**variables, "params": rest}, layers


def joined(variables: Mapping[str, Any], layers: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `parted`."""
    return {**variables, "params": {**variables["params"], **layers}}
