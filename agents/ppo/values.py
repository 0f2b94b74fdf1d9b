"""What a critic's outputs mean where a plain value is not enough; what it is taught.

    symlog(y) = sign(y) log(1 + |y|)        (Hafner et al., 2023, equation 1)

One number that grows with the size of returns makes the critic's error outgrow the
policy's. `Symlog` learns the symlog of a return by squared error. `TwoHot` learns a
distribution over fixed returns by cross entropy: its gradient does not grow at all, and
its mean is the mean of what it was taught, which a mean of symlogs is not.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array

LIMIT = 10.0  # of the symlog of a return that bins cover: 22,025


def symlog(y: Array) -> Array:
    """[...] of any size to a size that can be learned."""
    return jnp.sign(y) * jnp.log1p(jnp.abs(y))


def symexp(x: Array) -> Array:
    """[...] back again: the inverse of `symlog`."""
    return jnp.sign(x) * jnp.expm1(jnp.abs(x))


@dataclass(frozen=True)
class Symlog:
    """One output, the symlog of a return."""

    num_outputs: int = 1
    gain: float = 1.0  # of the last layer, at first

    def value(self, outputs: Array) -> Array:
        """[...] of outputs [..., 1]."""
        return symexp(outputs[..., 0])

    def error(self, outputs: Array, target: Array) -> Array:
        """[] half the mean squared error, of symlogs; `target` [...] is a return."""
        return jnp.square(outputs[..., 0] - symlog(target)).mean() / 2


@dataclass(frozen=True)
class TwoHot:
    """Logits of N returns, N odd: 0 in the middle, N // 2 either side of it.

    Returns are equally spaced in symlogs. All are as likely at first, so that the first
    value is 0: a large one, a little too likely, would be all there is.
    """

    num_outputs: int
    gain: float = 0.0

    @property
    def bins(self) -> Array:
        """[N // 2] the positive ones, growing."""
        half = self.num_outputs // 2
        return symexp(jnp.linspace(0, LIMIT, half + 1, dtype=jnp.float32)[1:])

    @property
    def support(self) -> Array:
        """[N] all of them, growing."""
        return jnp.concatenate([-self.bins[::-1], jnp.zeros(1), self.bins])

    def mean(self, probability: Array) -> Array:
        """[...] of probabilities [..., N].

        Summed in pairs, so that what cancels does so before it is large.
        """
        half = self.num_outputs // 2
        more = probability[..., half + 1 :] - probability[..., :half][..., ::-1]
        return (more * self.bins.reshape(*(1,) * (more.ndim - 1), -1)).sum(-1)

    def projected(self, target: Array) -> Array:
        """[..., N] weights of two neighbours whose mean is `target` [...].

        Beyond the last bin a return counts as it.
        """
        support = self.support
        y = jnp.clip(target, support[0], support[-1])
        above = jnp.clip(jnp.searchsorted(support, y), 1, self.num_outputs - 1)
        low, high = support[above - 1], support[above]
        share = (y - low) / (high - low)
        number = jnp.arange(self.num_outputs, dtype=above.dtype)
        number, above = number.reshape(*(1,) * y.ndim, -1), above[..., None]
        rest = jnp.zeros((), jnp.float32)
        return jnp.where(
            number == above,
            share[..., None],
            jnp.where(number == above - 1, 1 - share[..., None], rest),
        )

    def value(self, outputs: Array) -> Array:
        """[...] of outputs [..., N]."""
        return self.mean(jax.nn.softmax(outputs))

    def error(self, outputs: Array, target: Array) -> Array:
        """[] mean cross entropy to the projection of `target` [...], a return."""
        log_probs = jax.nn.log_softmax(outputs)
        return -(self.projected(target) * log_probs).sum(-1).mean()


def value_head(name: str, num_bins: int) -> Symlog | TwoHot | None:
    """Of a `value_loss`; None where a value is one number and its error squared."""
    heads = {"squared": None, "symlog": Symlog(), "two_hot": TwoHot(num_bins)}
    return heads[name]
