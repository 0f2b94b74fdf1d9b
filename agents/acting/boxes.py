"""Distributions over a Box that keep several answers apart: bins, and mixtures.

A single Gaussian that is fitted to +1 and -1, equally often, is centred on 0, which was
no answer at all.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

LEAST_SCALE = 0.05  # of a Gaussian that is fitted to answers, in half widths of the box


class Bins:
    """Each of D entries is one of N equally spaced values; logits [..., D, N].

    Stored actions are their numbers, [..., D] int32.
    """

    def __init__(self, logits: Array):
        self.log_probs = jax.nn.log_softmax(logits.astype(jnp.float32))

    def sample(self, key: Array) -> Array:
        return jax.random.categorical(key, self.log_probs).astype(jnp.int32)

    def log_prob(self, action: Array) -> Array:
        chosen = jnp.take_along_axis(self.log_probs, action[..., None], axis=-1)
        return chosen[..., 0].sum(-1)

    def entropy(self, key: Array) -> Array:
        return -(jnp.exp(self.log_probs) * self.log_probs).sum((-2, -1))

    def mode(self) -> Array:
        return self.log_probs.argmax(-1).astype(jnp.int32)

    def leaning(self, action: Array) -> Array:
        return self.log_prob(action)[..., None]

    def cross_entropy(self, place: Array) -> Array:
        """[...] of places [..., D] from 0 to N - 1, between two bins: two-hot."""
        number = jnp.arange(self.log_probs.shape[-1], dtype=jnp.float32)
        number = number.reshape(*(1,) * place.ndim, -1)
        two_hot = jnp.maximum(0, 1 - jnp.abs(place[..., None] - number))
        return -(two_hot * self.log_probs).sum((-2, -1))

    def divergence(self, other: "Bins", key: Array) -> Array:
        """[...] KL(this || other)."""
        gap = self.log_probs - other.log_probs
        return (jnp.exp(self.log_probs) * gap).sum((-2, -1))


class Mixture:
    """M diagonal Gaussians; outputs [..., M, 2 D + 1]: means, spreads, and a logit.

    Stored actions are in half widths of the box from its middle, and may lie outside.
    """

    def __init__(self, outputs: Array):
        outputs = outputs.astype(jnp.float32)
        self._log_weights = jax.nn.log_softmax(outputs[..., -1])
        self._mean, spread = jnp.split(outputs[..., :-1], 2, axis=-1)
        self._scale = LEAST_SCALE + jax.nn.softplus(spread)

    def _of(self, which: Array) -> tuple[Array, Array]:
        chosen = which[..., None, None]
        return (
            jnp.take_along_axis(self._mean, chosen, axis=-2)[..., 0, :],
            jnp.take_along_axis(self._scale, chosen, axis=-2)[..., 0, :],
        )

    def sample(self, key: Array) -> Array:
        which_key, noise_key = jax.random.split(key)
        mean, scale = self._of(jax.random.categorical(which_key, self._log_weights))
        return mean + scale * jax.random.normal(noise_key, mean.shape, jnp.float32)

    def log_prob(self, action: Array) -> Array:
        away = (action[..., None, :] - self._mean) / self._scale
        each = -0.5 * away**2 - jnp.log(self._scale) - 0.5 * jnp.log(2 * jnp.pi)
        return jax.nn.logsumexp(self._log_weights + each.sum(-1), axis=-1)

    def entropy(self, key: Array) -> Array:
        """Has no closed form: of one draw, which is not differentiated."""
        return -self.log_prob(jax.lax.stop_gradient(self.sample(key)))

    def mode(self) -> Array:
        """The middle of the Gaussian that is drawn from most often."""
        return self._of(self._log_weights.argmax(-1))[0]

    def leaning(self, action: Array) -> Array:
        return self.log_prob(action)[..., None]

    def cross_entropy(self, place: Array) -> Array:
        """[...] of places [..., D] in half widths of the box from its middle."""
        return -self.log_prob(place)

    def divergence(self, other: "Mixture", key: Array) -> Array:
        """[...] KL(this || other) of one draw; unbiased, as its gradient by other."""
        action = jax.lax.stop_gradient(self.sample(key))
        return self.log_prob(action) - other.log_prob(action)


@dataclass(frozen=True)
class BinsHead:
    """A value of `num_bins`, the bounds among them, for each entry of a finite Box."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    num_bins: int
    has_scale: bool = False

    @property
    def num_outputs(self) -> int:
        return len(self.low) * self.num_bins

    def distribution(self, outputs: Array, log_scale: Array | None) -> Bins:
        return Bins(outputs.reshape(*outputs.shape[:-1], len(self.low), self.num_bins))

    def to_env(self, action: Array) -> Array:
        low, high = _bounds(self, action.ndim)
        return low + action.astype(jnp.float32) / (self.num_bins - 1) * (high - low)

    def place(self, action: Array) -> Array:
        """Where an action of the environment lies, from 0 to N - 1; see `Bins`."""
        low, high = _bounds(self, action.ndim)
        share = (jnp.clip(action, low, high) - low) / (high - low)
        return share * (self.num_bins - 1)

    def stored(self, place: Array, key: Array) -> Array:
        """One of the two bins around a place, on average the place itself."""
        up = jax.random.uniform(key, place.shape, jnp.float32) < place % 1
        return (jnp.floor(place) + up).astype(jnp.int32)


@dataclass(frozen=True)
class MixtureHead:
    """A mixture of `num_components` Gaussians over a finite Box, onto which it is
    clipped."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    num_components: int
    has_scale: bool = False

    @property
    def num_outputs(self) -> int:
        return self.num_components * (2 * len(self.low) + 1)

    def distribution(self, outputs: Array, log_scale: Array | None) -> Mixture:
        shape = *outputs.shape[:-1], self.num_components, 2 * len(self.low) + 1
        outputs = outputs.reshape(shape)
        # Apart at first, evenly over the box: what starts alike is fitted alike.
        spread = jnp.linspace(-1, 1, self.num_components + 2, dtype=jnp.float32)[1:-1]
        start = jnp.zeros(shape[-2:], jnp.float32).at[:, : len(self.low)].set(
            spread[:, None]
        )  # fmt: skip
        return Mixture(outputs + start.reshape(*(1,) * (outputs.ndim - 2), *shape[-2:]))

    def to_env(self, action: Array) -> Array:
        low, high = _bounds(self, action.ndim)
        return low + (jnp.clip(action, -1, 1) + 1) / 2 * (high - low)

    def place(self, action: Array) -> Array:
        """Where an action of the environment lies, from -1 to 1; see `Mixture`."""
        low, high = _bounds(self, action.ndim)
        return 2 * (jnp.clip(action, low, high) - low) / (high - low) - 1

    def stored(self, place: Array, key: Array) -> Array:
        return place


def _bounds(head: BinsHead | MixtureHead, ndim: int) -> tuple[Array, Array]:
    """Lows and highs that broadcast with [..., D]."""
    shape = (*(1,) * (ndim - 1), -1)
    low, high = (jnp.array(x, jnp.float32) for x in (head.low, head.high))
    return low.reshape(shape), high.reshape(shape)
