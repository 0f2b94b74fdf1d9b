"""The recurrence by its definition, step by step: what every other way equals."""

import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.planes import against, product


def reference(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[T, B, ...] states: h[t] = a[t] * (0 if reset[t] else h[t-1]) + b[t].

    Args:
      a: [1, 1, P] multipliers that all steps share, or [T, B, P]; of planes
        [1, 1, 2, P] or [T, B, 2, P].
      b: [T, B, P] inputs, or planes [T, B, 2, P].
      reset: [T, B] bool.
      entering: [B, P] or [B, 2, P], the state before the first step.
      reverse: time runs from the last step to the first.
    """
    h, states = entering, {}
    for t in reversed(range(len(b))) if reverse else range(len(b)):
        a_t = a[0] if len(a) == 1 else a[t]
        carried = product(b)(a_t, h)
        h = jnp.where(against(reset[t], carried), 0, carried) + b[t]
        states[t] = h
    return jnp.stack([states[t] for t in range(len(b))])
