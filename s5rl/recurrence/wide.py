"""The recurrence where states are many times what drives them: outer products.

`linear_recurrence` asks for multipliers and inputs of every state at every step. Where
those are made of a few vectors a step, writing them out costs more than the recurrence:
here a step makes its own, on the spot, wherever steps are taken one after another.
"""

from collections.abc import Callable
from functools import partial
from math import prod

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence import linear_recurrence
from s5rl.recurrence.choice import settled
from s5rl.recurrence.planes import against
from s5rl.recurrence.varying import vary_alike


def wide_recurrence(
    expand: Callable[..., tuple[Array, Array]],
    read: Callable[..., Array],
    inputs: tuple[Array, ...],
    reset: Array,
    carry: Array,
    *,
    initial: Array | None = None,
    method: str = "auto",
) -> tuple[Array, Array]:
    """As `linear_recurrence`, with a and b made of the inputs of each step.

        h[t] = a[t] h[t-1] + b[t],   (a[t], b[t]) = expand(*inputs[t])
        y[t] = read(h[t], *inputs[t])

    Where reset[t], h[t-1] is zero, or `initial`. States are of any shape P, real or
    complex; its last axis is best the longest. One after another ("sequential", "auto"
    on a CPU, and acting anywhere) nothing of the size of [T, B, P] is made but, for a
    gradient, the states once: on one core of a CPU 12 times as fast as to write all
    out, and 5 times with gradients (P = [16, 128]). The other ways write all out.

    Args:
      expand: maps inputs of a step, [B, ...] each, to a and b [B, *P], or what
        broadcasts to it. May close over parameters.
      read: maps h [B, *P] and the same inputs to y [B, ...].
      inputs: arrays [T, B, ...].
      reset: [T, B] bool.
      carry: [B, *P] of the states' own dtype.
      initial: [*P] that opens every segment.
      method: as `linear_recurrence`.

    Returns:
      `(carry, y)`: h[T-1], and y [T, B, ...].

    Raises:
      ValueError: if `method` is not known, or cannot serve here.
    """
    way = settled(method, (*reset.shape, prod(carry.shape[1:])), carry.dtype)
    opening = jnp.zeros(carry.shape[1:], carry.dtype) if initial is None else initial

    def step(h: Array, now: tuple) -> tuple[Array, Array]:
        values, starts = now
        a, b = expand(*values)
        # Selected before the product: what a reset drops may be NaN, also backwards.
        h = a * jnp.where(against(starts, h), opening[None], h) + b
        return h, read(h, *values)

    first = jax.tree.map(lambda array: array[0], (inputs, reset))
    if len(reset) == 1:
        carry, y = step(carry, first)
        return carry, y[None]
    if way == "sequential":
        carry, *_ = vary_alike(carry, *expand(*first[0]), opening)
        # Of a step the entering state is kept, and what it makes is made again.
        step = jax.checkpoint(step, prevent_cse=False)
        return jax.lax.scan(step, carry, (inputs, reset))
    return _written_out(expand, read, inputs, reset, carry, initial, way)


def _written_out(expand, read, inputs, reset, carry, initial, way):
    a, b = jax.vmap(expand)(*inputs)
    shape = (*reset.shape, *carry.shape[1:])
    flat = partial(jnp.reshape, shape=(*reset.shape, -1))
    last, h = linear_recurrence(
        flat(jnp.broadcast_to(a, shape)),
        flat(jnp.broadcast_to(b, shape)),
        reset,
        carry.reshape(len(carry), -1),
        initial=None if initial is None else initial.ravel(),
        method=way,
    )
    return last.reshape(carry.shape), jax.vmap(read)(h.reshape(shape), *inputs)
