"""One step after another: one `lax.scan`, or no scan at all where T is 1."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array


# Traced once for layers of one shape, and inlined.
@partial(jax.jit, static_argnames="reverse", inline=True)
def sequential(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[T, B, P] states, as `reference`, by one `lax.scan`."""

    def step(h, now):
        a_t, b_t, reset_t = now
        carried = (a[0] if a_t is None else a_t) * h + b_t
        h = jnp.where(reset_t[:, None], b_t, carried)
        return h, h

    steps = (None if len(a) == 1 else a, b, reset)
    return jax.lax.scan(step, entering, steps, reverse=reverse)[1]


def single(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[1, B, P], the state after one step (acting), whichever way time runs."""
    return (jnp.where(reset[0, :, None], 0, a[0] * entering) + b[0])[None]
