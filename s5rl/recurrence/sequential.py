"""One step after another: one `lax.scan`, or no scan at all where T is 1."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.planes import against, multiply, parts, planar, product


# Traced once for layers of one shape, and inlined.
@partial(jax.jit, static_argnames="reverse", inline=True)
def sequential(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[T, B, ...] states, as `reference`, by one `lax.scan`."""
    step = _step_of_planes if planar(b) else _step
    first = parts(entering) if planar(b) else entering
    steps = (None if len(a) == 1 else a, b, reset)
    return jax.lax.scan(partial(step, a[0]), first, steps, reverse=reverse)[1]


def _step(shared: Array, h: Array, now):
    a, b, reset = now
    carried = (shared if a is None else a) * h + b
    h = jnp.where(reset[:, None], b, carried)
    return h, h


def _step_of_planes(shared: Array, h: tuple[Array, Array], now):
    # Parts stay apart from step to step: nothing is taken from a stacked state again.
    a, b, reset = now
    carried = multiply(parts(shared if a is None else a), h)
    real, imaginary = (
        jnp.where(reset[:, None], new, old + new)
        for old, new in zip(carried, parts(b), strict=True)
    )
    return (real, imaginary), jnp.stack([real, imaginary], axis=-2)


def single(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[1, B, ...], the state after one step (acting), whichever way time runs."""
    carried = product(b)(a[0], entering)
    return (jnp.where(against(reset[0], carried), 0, carried) + b[0])[None]
