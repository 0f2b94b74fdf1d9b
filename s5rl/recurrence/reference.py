"""The recurrence by its definition, step by step: what every other way equals."""

import jax.numpy as jnp
from jax import Array


def reference(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[T, B, P] states: h[t] = a[t] * (0 if reset[t] else h[t-1]) + b[t].

    Args:
      a: [1, 1, P] multipliers that all steps share, or [T, B, P].
      b: [T, B, P] inputs.
      reset: [T, B] bool.
      entering: [B, P], the state before the first step.
      reverse: time runs from the last step to the first.
    """
    h, states = entering, {}
    for t in reversed(range(len(b))) if reverse else range(len(b)):
        a_t = a[0] if len(a) == 1 else a[t]
        h = jnp.where(reset[t][:, None], 0, a_t * h) + b[t]
        states[t] = h
    return jnp.stack([states[t] for t in range(len(b))])
