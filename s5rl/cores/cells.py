"""A stack of flax's recurrent cells: scanned over time, and reset by selection."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array


def run_stack(cells, carry, x: Array, reset: Array) -> tuple[Any, Array]:
    """Runs cells one on another over x [T, B, H]; memory is one state per cell."""
    x = x.astype(jnp.float32)
    carries = []
    for cell, state in zip(cells, carry, strict=True):
        state, x = _run_cell(cell, state, x, reset)
        carries.append(state)
    return tuple(carries), x


def _run_cell(cell, carry, x: Array, reset: Array):
    def step(cell, carry, now):
        x_t, reset_t = now
        # Selected, not multiplied: what a reset drops may be NaN.
        carry = jax.tree.map(lambda c: jnp.where(reset_t[:, None], 0, c), carry)
        return cell(carry, x_t)

    if len(x) == 1:
        carry, y = step(cell, carry, (x[0], reset[0]))
        return carry, y[None]
    # Inside `jax.shard_map` a fresh carry is alike on all devices, and JAX scans none
    # that becomes unlike: what the first reset leaves of it is unlike already.
    carry = jax.tree.map(lambda c: jnp.where(reset[0][:, None], 0, c), carry)
    scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
    return scan(cell, carry, (x, reset))
