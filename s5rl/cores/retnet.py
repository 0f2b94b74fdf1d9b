"""Retention: linear attention whose heads decay at fixed rates, and whose keys turn."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from s5rl.config.matrix import RetNetConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.heads import dense, divided, head_norm, joined
from s5rl.cores.parts.rotary import turned
from s5rl.recurrence.matrix import matrix_recurrence
from s5rl.recurrence.segments import positions


class RetNetLayer(nn.Module):
    """Multi-scale retention (Sun et al., 2023, section 2), and a residual.

    S[t] = g_h S[t-1] + R(t) k v^T,  y = S^T R(t) q / sqrt(d_k),  g_h = 1 - 2^(-5-h)

    R(t) turns pairs of a key's numbers by t radians and slower. Only differences of
    times matter, so a segment counts them from its first step in this call, and what is
    carried on is turned back to where it would stand at time 0: no clock is kept.
    """

    features: int
    config: RetNetConfig = RetNetConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, h, d_k, d_v] float32 zeros."""
        c = self.config
        shape = (batch_size, c.num_heads, c.key_size, c.value_size)
        return jnp.zeros(shape, jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H]."""
        c, u = self.config, norm(x)
        heads = c.num_heads

        def part(name: str, size: int) -> Array:
            return divided(dense(u, heads * size, name, c.dtype), heads).astype("f")

        # What enters a segment, or this call, stands at time 0.
        zeros = jnp.zeros(reset.shape[1], jnp.int32)
        time = positions(reset, zeros).astype(jnp.float32)[..., None, None] + 1
        q, k = (turned(part(name, c.key_size), time) for name in ("query", "key"))
        decay = np.log1p(-(2.0 ** (-5 - np.arange(heads)))).astype(np.float32)
        carry, y = matrix_recurrence(
            q,
            k,
            part("value", c.value_size),
            jnp.broadcast_to(decay[None, None], q.shape[:3]),
            reset,
            carry,
            initial=initial_state(self, c, carry.shape[1:]),
            chunk=c.chunk,
        )
        carry = turned(carry.swapaxes(-1, -2), -time[-1][..., None]).swapaxes(-1, -2)
        y = joined(head_norm(y / c.key_size**0.5)).astype(x.dtype)
        gate = jax.nn.silu(dense(u, heads * c.value_size, "gate", c.dtype))
        return carry, x + dense(y * gate, self.features, "out", c.dtype)
