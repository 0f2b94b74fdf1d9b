"""Attention to the last W steps: exact recall, and nothing beyond."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.attention import WindowAttentionConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.heads import dense, divided, joined
from s5rl.cores.parts.window import attend, extended, seen


class WindowAttentionLayer(nn.Module):
    """Norm, attention, residual; norm, MLP, residual (Beltagy et al., 2020).

    softmax(q[t] . k[s] / sqrt(d) + bias[t - s]) over the last `window` steps of the
    segment, t among them. The bias of each distance is learned and starts at zero. A
    learned start is W - 1 keys and values before every segment's first step, which
    slide out of the window as others do.
    """

    features: int
    config: WindowAttentionConfig = WindowAttentionConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> tuple[Array, Array, Array]:
        """(keys, values [B, W-1, h, d] zeros, how many count [B] int32)."""
        c = self.config
        cache = jnp.zeros((batch_size, c.window - 1, c.num_heads, c.head_size), "f")
        return cache, cache, jnp.zeros(batch_size, jnp.int32)

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (keys, values, count), c, u = carry, self.config, norm(x)
        width = c.num_heads * c.head_size
        q, k, v = (
            divided(dense(u, width, name, c.dtype).astype(jnp.float32), c.num_heads)
            for name in ("query", "key", "value")
        )
        reach, count = seen(reset, count, c.window)
        k, keys = extended(keys, k, count)
        v, values = extended(values, v, count)
        zeros = nn.initializers.zeros_init()
        shape = (c.num_heads, c.window)
        bias = self.param("distance_bias", zeros, shape, jnp.float32)

        def score(q: Array, k: Array, distance: Array) -> Array:
            product = jnp.einsum("bthd,bshd->bhts", q, k) / c.head_size**0.5
            return product + jnp.moveaxis(bias[:, distance], 0, 1)

        start = initial_state(self, c, (2, *keys.shape[1:]))
        opening = None if start is None else (start[0], start[1])
        y = joined(attend(score, q, k, v, reach, opening)).astype(x.dtype)
        x = x + dense(y, self.features, "out", c.dtype)
        if c.mlp_expansion:
            wide = nn.Dense(c.mlp_expansion * self.features, dtype=c.dtype, name="up")
            down = nn.Dense(self.features, dtype=c.dtype, name="down")
            x = x + down(jax.nn.gelu(wide(norm(x, "mlp_norm"))))
        return (keys, values, count), x
