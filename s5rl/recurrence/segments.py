"""Where segments begin, and which steps a lost one (NaN, Inf) spoils."""

import jax
import jax.numpy as jnp
from jax import Array


def positions(reset: Array, before: Array) -> Array:
    """[T, B] int32: how many steps of its own segment came before each step.

    Args:
      reset: [T, B] bool, True where a segment starts.
      before: [B] int32, steps that the open segment had before this call.
    """
    time = jnp.arange(len(reset), dtype=jnp.int32)[:, None]
    start = jax.lax.cummax(jnp.where(reset, time, -before[None]), axis=0)
    return time - start


def numbers(reset: Array) -> Array:
    """[T, B] int32: 0 for the segment that was open before this call, then 1, 2 ..."""
    return jnp.cumsum(reset, axis=0, dtype=jnp.int32)


def finite(*arrays: Array, leading: int = 2) -> Array:
    """[T, B] bool: whether all that belongs to a step is finite.

    Args:
      *arrays: [T, B, ...], or [B, ...] of a carry with leading=1.
      leading: how many axes are kept.
    """
    every = [
        jnp.isfinite(array).all(axis=tuple(range(leading, array.ndim)))
        for array in arrays
    ]
    return jnp.stack(every).all(axis=0)


def lost(bad: Array, reset: Array, bad_before: Array) -> Array:
    """[T, B] bool: whether a bad step came in the same segment, up to this step.

    Products of matrices mix all steps of a call, and 0 * NaN is NaN. So cores that use
    them replace what is bad, compute, and say afterwards what is lost, by this.

    Args:
      bad: [T, B] bool, steps whose contribution is not finite.
      reset: [T, B] bool.
      bad_before: [B] bool, whether the carry is bad.
    """

    def later(left, right):
        (was, _), (now, now_reset) = left, right
        return jnp.where(now_reset, now, was | now), left[1] | now_reset

    bad = bad.at[0].set(bad[0] | (bad_before & ~reset[0]))
    return jax.lax.associative_scan(later, (bad, reset), axis=0)[0]
