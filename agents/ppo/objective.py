"""What PPO minimises: the clipped surrogate, the value error, the entropy bonus."""

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.fit import Minibatch
from agents.acting.foresight import replayed
from agents.acting.rollout import Metrics
from agents.ppo.config import PPOConfig


class Actor(Protocol):
    """What the objective needs of an agent."""

    @property
    def config(self) -> PPOConfig: ...
    @property
    def network(self) -> Any: ...
    @property
    def axes(self) -> Axes: ...
    @property
    def num_groups(self) -> int: ...


class Learned(NamedTuple):
    """What the rollout is worth, [T, n, ...]."""

    advantage: Array
    anchor: Any = ()  # what the head made the first policy's distributions of
    group: Any = ()  # [T, n] int32, whose advantages these are, where it matters


class Pull(NamedTuple):
    """How the first policy holds the one of now."""

    weight: Array  # []
    log_scale: Array | None  # of its Gaussians


def loss(
    params: Any,
    batch: Minibatch,
    key: Array,
    agent: Actor,
    pull: Pull | None = None,
    statistics: Any = None,
) -> tuple[Array, Metrics]:
    """The clipped surrogate objective, value error and entropy bonus; and the anchor.

    `batch.extra` is a `Learned`. `key` is consumed, by the entropy and divergence of
    distributions that can only be sampled. `statistics` are variables of the network
    that have no gradient.
    """
    config, rollout, advantage = agent.config, batch.rollout, batch.extra.advantage
    variables = {**params, **(statistics or {})}
    distribution, value, foresight, foretold = replayed(
        agent.network, variables, batch, config.foresight_weight, axes=agent.axes
    )
    log_ratio = distribution.log_prob(rollout.action) - rollout.log_prob
    ratio = jnp.exp(log_ratio)
    group = batch.extra.group if config.group_advantages else ()
    policy_loss = clipped_surrogate(
        ratio, advantage, config, group, agent.num_groups, agent.axes
    )
    target, head = advantage + rollout.value, agent.network.value_head
    if head is None:
        free = config.value_clip_epsilon
        value_loss = value_error(value, target, rollout.value, free)
    else:
        value_loss = head.error(value, target)
    entropy = distribution.entropy(key).mean()
    total = (
        policy_loss
        + config.value_coefficient * value_loss
        - config.entropy_coefficient * entropy
        + foresight
    )
    clipped = jnp.abs(ratio - 1) > config.clip_epsilon
    held = {}
    if pull is not None:
        first = agent.network.head.distribution(batch.extra.anchor, pull.log_scale)
        kl = first.divergence(distribution, jax.random.fold_in(key, 1)).mean()
        total = total + pull.weight * kl
        held = {"loss/anchor": kl}
    return total, {
        **held,
        **foretold,
        "loss/policy": policy_loss,
        "loss/value": value_loss,
        "loss/entropy": entropy,
        # Schulman's k3 estimate of KL(old || new): never negative.
        "diagnostics/approx_kl": (ratio - 1 - log_ratio).mean(),
        "diagnostics/clip_fraction": clipped.mean(),
        "diagnostics/ratio_error": jnp.abs(ratio - 1).max(),
    }


def clipped_surrogate(
    ratio: Array,
    advantage: Array,
    config: PPOConfig,
    group: Any = (),
    num_groups: int = 1,
    axes: Axes = ALONE,
) -> Array:
    """[] what policy improvement costs (Schulman et al., 2017, equation 7), negated.

    Where a `group` [T, n] int32 is given, advantages are normalised in each by itself:
    the noise of one with large rewards would drown the others.
    """
    if config.normalize_advantage and num_groups > 1 and not isinstance(group, tuple):
        epsilon = config.advantage_epsilon
        advantage = by_group(advantage, group, num_groups, epsilon, axes)
    elif config.normalize_advantage:
        away, deviation = axes.centred(advantage)
        advantage = away / (deviation + config.advantage_epsilon)
    bounded = jnp.clip(ratio, 1 - config.clip_epsilon, 1 + config.clip_epsilon)
    return -jnp.minimum(ratio * advantage, bounded * advantage).mean()


def by_group(
    advantage: Array,
    group: Array,
    num_groups: int,
    epsilon: float,
    axes: Axes = ALONE,
) -> Array:
    """[T, n] advantages of mean 0 and standard deviation 1 in each group."""
    number = jnp.arange(num_groups, dtype=group.dtype)[:, None, None]
    member = (group[None] == number).astype(jnp.float32)
    size = jnp.maximum(axes.sum(member.sum((1, 2))), 1)
    mean = axes.sum((member * advantage[None]).sum((1, 2))) / size
    away = advantage - mean[group]
    squares = axes.sum((member * jnp.square(away)[None]).sum((1, 2)))
    spread = jnp.sqrt(squares / size)
    return away / (spread[group] + epsilon)


def value_error(
    value: Array, target: Array, old_value: Array, clip_epsilon: float | None
) -> Array:
    """[] half the mean squared error, optionally the worse of free and clipped."""
    error = jnp.square(value - target)
    if clip_epsilon is not None:
        step = jnp.clip(value - old_value, -clip_epsilon, clip_epsilon)
        error = jnp.maximum(error, jnp.square(old_value + step - target))
    return error.mean() / 2
