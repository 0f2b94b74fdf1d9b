"""Running mean and variance: of observations that a network reads, of returns.

Merged as Chan, Golub & LeVeque (1983) have it, in float32: what was seen in any parts
gives what the whole would. A sample that is not finite is not counted, so that a broken
episode stays where it is.

A network that reads through statistics keeps them as variables of the collection
`STATISTICS`, beside its "params": whatever copies, stores or acts with its variables
has them too. Gradients never reach them; they change once an update, after its last
gradient step, so that replaying a rollout reads it as acting did.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes

STATISTICS = "statistics"  # of a network's variables
BOUND = 10.0  # of what is normalised, in standard deviations
# Squared, of a variance: absolute, and relative to the mean, where float32 ends.
_LEAST, _LEAST_SHARE = 1e-4, 1e-5


class Statistics(NamedTuple):
    """Of samples of one shape; several, for several groups, by leading axes."""

    number: Array  # [...] float32, of samples
    mean: Array  # [..., *shape]
    square: Array  # [..., *shape] sum of squared distances from the mean


def nothing(shape: tuple[int, ...]) -> Statistics:
    """Of no samples."""
    zeros = jnp.zeros(shape, jnp.float32)
    return Statistics(jnp.zeros((), jnp.float32), zeros, zeros)


def of(x: Array, counts: Array | None = None, axes: Axes = ALONE) -> Statistics:
    """Of samples x [T, B, *shape], those of them where `counts` [T, B] bool.

    Where lanes lie in blocks, of all of them.
    """
    inner = tuple(range(2, x.ndim))
    finite = jnp.isfinite(x).all(inner)
    chosen = finite if counts is None else finite & counts
    count = axes.sum(chosen.sum(dtype=jnp.float32))
    wide = chosen.reshape(*chosen.shape, *(1,) * len(inner))

    def total(y: Array) -> Array:
        # One axis after the other: shorter sums round less.
        return axes.sum(jnp.where(wide, y, 0).sum(0).sum(0))

    def mean(y: Array) -> Array:
        return total(y) / jnp.maximum(count, 1)

    centre = mean(x.astype(jnp.float32))
    square = total(jnp.square(x - _over(centre)))
    return Statistics(count, centre, square)


def merge(one: Statistics, other: Statistics) -> Statistics:
    """Of the samples of both."""
    count = one.number + other.number
    share = other.number / jnp.maximum(count, 1)
    away = other.mean - one.mean
    share, before = (_under(x, away) for x in (share, one.number))
    return Statistics(
        count,
        one.mean + away * share,
        one.square + other.square + jnp.square(away) * before * share,
    )


def deviation(statistics: Statistics) -> Array:
    """[..., *shape] the standard deviation; 1 of no samples, and never 0."""
    count, mean, square = statistics
    wide = _under(count, square)
    least = _LEAST**2 + jnp.square(_LEAST_SHARE * mean)
    variance = square / jnp.maximum(wide, 1) + least
    return jnp.where(wide > 0, jnp.sqrt(variance), 1.0)


def normalise(statistics: Statistics, x: Array) -> Array:
    """x [T, B, *shape] in standard deviations from the mean, within `BOUND`.

    With statistics of no samples it is what it was, within the same bound.
    """
    away = (x - _over(statistics.mean)) / _over(deviation(statistics))
    return jnp.clip(away, -BOUND, BOUND)


def first_of(obs: Any) -> tuple[Statistics, ...]:
    """Of no observations; one for each leaf [T, B, ...] of floats, in their order."""
    leaves = filter(_is_float, jax.tree.leaves(obs))
    return tuple(nothing(x.shape[2:]) for x in leaves)


def seen(
    kept: tuple[Statistics, ...], obs: Any, axes: Axes = ALONE
) -> tuple[Statistics, ...]:
    """With what was seen since, obs [T, B, ...]."""
    leaves = filter(_is_float, jax.tree.leaves(obs))
    return tuple(merge(s, of(x, axes=axes)) for s, x in zip(kept, leaves, strict=True))


def normalised(kept: tuple[Statistics, ...], obs: Any) -> Any:
    """Observations [T, B, ...] as they are read; what is no float stays as it is."""
    leaves, form = jax.tree.flatten(obs)
    left = iter(kept)
    read = [normalise(next(left), x) if _is_float(x) else x for x in leaves]
    return jax.tree.unflatten(form, read)


def parted(variables: Any) -> tuple[Any, Any]:
    """A network's variables: `(those that gradients move, statistics)`, both dicts."""
    still = {name: x for name, x in variables.items() if name == STATISTICS}
    return {name: x for name, x in variables.items() if name not in still}, still


def _is_float(x: Array) -> bool:
    return jnp.issubdtype(x.dtype, jnp.floating)


def _over(x: Array) -> Array:
    """[*shape] to broadcast with [T, B, *shape]."""
    return x[None, None]


def _under(x: Array, like: Array) -> Array:
    """[...] to broadcast with [..., *shape]."""
    return x.reshape(*x.shape, *(1,) * (like.ndim - x.ndim))
