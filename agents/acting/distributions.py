"""What a policy draws actions from: the one module that imports distrax.

A head turns the network's outputs into a distribution over what is *stored*, and says
what the environment gets for it. For a squashed Gaussian the stored action is the one
before tanh: its density is finite everywhere, where that of an action on the bound is
not.
"""

from dataclasses import dataclass, field
from typing import Any, Protocol

import distrax
import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces
from jax import Array

from agents.acting.boxes import BinsHead, MixtureHead
from envs.contract.declared import check_actions

ACTIONS = ("gaussian", "bins", "mixture")


class ActionDistribution(Protocol):
    """Distribution over stored actions, with any leading batch axes."""

    def sample(self, key: Array) -> Array: ...
    def log_prob(self, action: Array) -> Array: ...
    def entropy(self, key: Array) -> Array: ...
    def mode(self) -> Array: ...
    def leaning(self, action: Array) -> Array: ...  # [..., K] `agents.acting.recall`


class ActionHead(Protocol):
    """Size of the network's output, and what it stands for."""

    @property
    def num_outputs(self) -> int: ...
    @property
    def has_scale(self) -> bool: ...  # is there a log standard deviation to learn?
    def distribution(
        self, outputs: Array, log_scale: Array | None
    ) -> ActionDistribution: ...
    def to_env(self, action: Array) -> Array: ...


class Categorical:
    """Over {0 ... A-1}; logits [..., A] of minus infinity never come up."""

    def __init__(self, logits: Array):
        self.log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))
        # bfloat16 logits would give bfloat16 log-probabilities: too coarse for a ratio.
        # Any: distrax declares arrays of its own kind, which are JAX's.
        self._inner: Any = distrax.Categorical(logits=logits.astype(jnp.float32))

    def sample(self, key: Array) -> Array:
        return self._inner.sample(seed=key).astype(jnp.int32)

    def log_prob(self, action: Array) -> Array:
        return self._inner.log_prob(action)

    def entropy(self, key: Array) -> Array:
        return self._inner.entropy()

    def mode(self) -> Array:
        return self._inner.mode().astype(jnp.int32)

    def leaning(self, action: Array) -> Array:
        possible = self.log_probs > -jnp.inf
        mean = jnp.where(possible, self.log_probs, 0).sum(-1) / possible.sum(-1)
        return (self.log_prob(action) - mean)[..., None]

    def cross_entropy(self, best: Array) -> Array:
        """[...] of a law [..., A], or of `best` bool, all as good; 0 of none."""
        total = jnp.where(best > 0, best * self.log_probs, 0).sum(-1)
        return -total / jnp.maximum(best.sum(-1), 1)

    def divergence(self, other: "Categorical", key: Array) -> Array:
        """[...] KL(this || other)."""
        possible = self.log_probs > -jnp.inf
        gap = jnp.where(possible, self.log_probs - other.log_probs, 0)
        return (jnp.exp(self.log_probs) * gap).sum(-1)


class Gaussian:
    """Diagonal normal: loc [..., A], log_scale [A]; optionally seen through tanh.

    With `squash`, log-probability and entropy are those of tanh(action), as functions
    of the action before tanh. The entropy has no closed form; one reparameterised
    sample estimates it without bias.
    """

    def __init__(self, loc: Array, log_scale: Array, *, squash: bool):
        scale = jnp.broadcast_to(jnp.exp(log_scale), loc.shape)
        self._loc, self._scale = loc, scale
        self._inner: Any = distrax.MultivariateNormalDiag(loc, scale)
        self._squash: Any = distrax.Block(distrax.Tanh(), 1) if squash else None

    def sample(self, key: Array) -> Array:
        return self._inner.sample(seed=key)

    def log_prob(self, action: Array) -> Array:
        log_prob = self._inner.log_prob(action)
        if self._squash is None:
            return log_prob
        return log_prob - self._squash.forward_log_det_jacobian(action)

    def entropy(self, key: Array) -> Array:
        if self._squash is None:
            # distrax adds a constant of 64 bits, where a session keeps such.
            with jax.numpy_dtype_promotion("standard"):
                return self._inner.entropy().astype(jnp.float32)
        return -self.log_prob(self.sample(key))

    def mode(self) -> Array:
        return self._inner.mode()

    def leaning(self, action: Array) -> Array:
        return self._loc / self._scale

    def cross_entropy(self, place: Array) -> Array:
        """[...] of actions [..., A] of the environment; not where it is squashed."""
        return -self.log_prob(place)

    def divergence(self, other: "Gaussian", key: Array) -> Array:
        """[...] KL(this || other); what both are seen through changes nothing."""
        ratio = self._scale / other._scale
        away = (self._loc - other._loc) / other._scale
        return (0.5 * (ratio**2 + away**2 - 1) - jnp.log(ratio)).sum(-1)


class EpsilonGreedy:
    """The action of the largest q [..., A], or with probability epsilon any action.

    Epsilon broadcasts against [...]; the first of equal actions is the largest.
    """

    def __init__(self, q: Array, epsilon: Array):
        self.q = q
        self._epsilon = jnp.broadcast_to(epsilon, q.shape[:-1])

    def _log_probs(self) -> Array:
        greedy = jax.nn.one_hot(self.mode(), self.q.shape[-1], dtype=jnp.float32)
        epsilon = self._epsilon[..., None]
        return jnp.log(epsilon / self.q.shape[-1] + (1 - epsilon) * greedy)

    def sample(self, key: Array) -> Array:
        return jax.random.categorical(key, self._log_probs()).astype(jnp.int32)

    def log_prob(self, action: Array) -> Array:
        chosen = jnp.take_along_axis(self._log_probs(), action[..., None], axis=-1)
        return chosen[..., 0]

    def entropy(self, key: Array) -> Array:
        log_probs = self._log_probs()
        return -jax.scipy.special.xlogy(jnp.exp(log_probs), jnp.exp(log_probs)).sum(-1)

    def mode(self) -> Array:
        return self.q.argmax(-1).astype(jnp.int32)

    def leaning(self, action: Array) -> Array:
        return jnp.take_along_axis(self.q, action[..., None], axis=-1)


@dataclass(frozen=True)
class DiscreteHead:
    """A Categorical over `num_outputs` actions."""

    num_outputs: int
    has_scale: bool = False

    def distribution(self, outputs: Array, log_scale: Array | None) -> Categorical:
        return Categorical(outputs)

    def to_env(self, action: Array) -> Array:
        return action


@dataclass(frozen=True)
class BoxHead:
    """A Gaussian, clipped or squashed onto the bounds of a Box of one axis."""

    num_outputs: int
    low: tuple[float, ...]
    high: tuple[float, ...]
    squash: bool
    has_scale: bool = True
    least_scale: float = field(default=0.0, compare=False)  # in half widths of the box

    def distribution(self, outputs: Array, log_scale: Array | None) -> Gaussian:
        assert log_scale is not None
        if self.least_scale:
            log_scale = jnp.maximum(log_scale, self.least_log_scale)
        return Gaussian(outputs, log_scale, squash=self.squash)

    def to_env(self, action: Array) -> Array:
        low, high = (jnp.array(x, jnp.float32) for x in (self.low, self.high))
        if self.squash:
            return low + (jnp.tanh(action) + 1) / 2 * (high - low)
        return jnp.clip(action, low, high)

    @property
    def least_log_scale(self) -> Array:
        """[A] what `least_scale` is to the environment."""
        low, high = (np.array(x, np.float32) for x in (self.low, self.high))
        half = np.where(np.isfinite(high - low), (high - low) / 2, 1)
        return jnp.log(jnp.array(self.least_scale * half, jnp.float32))

    def place(self, action: Array) -> Array:
        return action

    def stored(self, place: Array, key: Array) -> Array:
        return place


def make_head(
    space: Any,
    *,
    squash: bool = False,
    actions: str = "gaussian",
    parts: int = 0,
    least_scale: float = 0.0,
) -> ActionHead:
    """Chooses the head for an action space.

    Args:
      space: of the environment's actions.
      squash: a Gaussian through tanh, onto the bounds, and not clipped.
      actions: of a Box, one of `ACTIONS`.
      parts: how many bins, or Gaussians in the mixture.
      least_scale: of a Gaussian, in half widths of the box.

    Raises:
      ValueError: for a space that is neither Discrete nor a Box of floats of one axis,
        or if bounds are infinite that actions are to be squashed onto, or bins or a
        mixture are to be spread over.
    """
    check_actions(space)
    if isinstance(space, spaces.Discrete):
        return DiscreteHead(int(space.n))
    low, high = (
        tuple(float(x) for x in jnp.broadcast_to(jnp.asarray(bound), space.shape))
        for bound in (space.low, space.high)
    )
    finite = all(abs(bound) < jnp.inf for bound in low + high)
    if squash and not finite:
        raise ValueError(
            f"squash_actions needs finite bounds to squash onto; got {space!r}."
        )
    if actions == "gaussian":
        scale = least_scale
        return BoxHead(space.shape[0], low, high, squash, least_scale=scale)
    if not finite:
        raise ValueError(f"actions={actions} needs finite bounds; got {space!r}.")
    return (BinsHead if actions == "bins" else MixtureHead)(low, high, parts)
