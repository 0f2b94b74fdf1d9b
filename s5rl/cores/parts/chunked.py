"""Long sequences a chunk at a time, each computed again for its gradients."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.varying import vary_alike

Call = Callable[[Any, Any, Array], tuple[Any, Any]]


def in_chunks(
    call: Call, carry: Any, x: Any, reset: Array, *, length: int | None
) -> tuple[Any, Any]:
    """`call(carry, x, reset)` with the memory of one chunk for what gradients need.

    Calls run over `length` steps at a time and hand on their carry. Of each, only what
    it was given is kept, and gradients compute it again (Chen et al., 2016): its
    intermediate arrays never exist for more than one chunk. Costs about one more
    forward pass, where there are gradients; computes what one call does, up to
    rounding.

    Args:
      call: maps (carry, x, reset) to (carry, y); chunking it is invisible.
      carry: a pytree of [B, ...].
      x: a pytree of [T, B, ...].
      reset: [T, B] bool.
      length: of a chunk, in steps; what is left over is a shorter one. None, or T and
        more: one call.

    Returns:
      `(carry, y)`, y a pytree of [T, B, ...].
    """
    steps = len(reset)
    if length is None or steps <= length:
        return call(carry, x, reset)
    whole = steps - steps % length
    split = jax.tree.map(
        lambda a: a[:whole].reshape(-1, length, *a.shape[1:]), (x, reset)
    )
    again = jax.checkpoint(call, prevent_cse=False)  # needs none inside of a scan
    # A fresh carry is alike on all devices, and JAX scans none that becomes unlike.
    carry = jax.tree.map(lambda c: vary_alike(c, reset)[0], carry)
    carry, y = jax.lax.scan(lambda carry, now: again(carry, *now), carry, split)
    y = jax.tree.map(lambda a: a.reshape(whole, *a.shape[2:]), y)
    if whole < steps:
        rest = jax.tree.map(lambda a: a[whole:], (x, reset))
        carry, last = call(carry, *rest)  # gradients begin here: nothing is saved
        y = jax.tree.map(lambda *parts: jnp.concatenate(parts), y, last)
    return carry, y
