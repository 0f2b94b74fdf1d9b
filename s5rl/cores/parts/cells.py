"""flax's recurrent cells: scanned over time, and reset by selection."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array


def run_cell(
    cell: nn.Module, carry: Any, x: Array, reset: Array, initial: Any = None
) -> tuple[Any, Array]:
    """Runs a cell over x [T, B, H]; its state is float32 whatever it computes in.

    Args:
      cell: maps (carry, x [B, H]) to (carry, y), as `flax.linen.RNNCellBase` does.
      carry: its state, a pytree of [B, ...].
      x: [T, B, H].
      reset: [T, B] bool.
      initial: the state that opens a segment, a pytree of [...]; zeros where None.
    """
    if initial is None:
        initial = jax.tree.map(lambda c: jnp.zeros(c.shape[1:], c.dtype), carry)

    def opened(carry, reset_t):
        # Selected, not multiplied: what a reset drops may be NaN.
        def select(state, first):
            flag = reset_t.reshape(-1, *(1,) * first.ndim)
            return jnp.where(flag, first[None].astype(state.dtype), state)

        return jax.tree.map(select, carry, initial)

    def step(cell, carry, now):
        x_t, reset_t = now
        # The state is wider than the products that it meets in the cell.
        with jax.numpy_dtype_promotion("standard"):
            after, y = cell(opened(carry, reset_t), x_t)
        return jax.tree.map(lambda new, old: new.astype(old.dtype), after, carry), y

    if len(x) == 1:
        carry, y = step(cell, carry, (x[0], reset[0]))
        return carry, y[None]
    # Inside `jax.shard_map` a fresh carry is alike on all devices, and JAX scans none
    # that becomes unlike: what the first reset leaves of it is unlike already.
    carry = opened(carry, reset[0])
    scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
    return scan(cell, carry, (x, reset))
