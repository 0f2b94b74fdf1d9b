"""Attention to the last W steps: exact recall, and nothing beyond."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.attention import WindowAttentionConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense
from s5rl.cores.parts.heads import dense, divided, joined
from s5rl.cores.parts.rotary import turned
from s5rl.cores.parts.window import attend, distances, extended, seen


class WindowAttentionLayer(nn.Module):
    """Norm, attention, residual; norm, MLP, residual (Beltagy et al., 2020).

    softmax(q[t] . k[s] / sqrt(d) + bias[t - s]) over the last `window` steps of the
    segment, t among them. The bias of each distance is learned and starts at zero; or
    q and k turn with time instead (Su et al., 2021), which the cache does not know of.
    A learned start is keys and values before every segment's first step, which slide
    out of the window as others do.
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
        rows = c.learned_rows or c.window - 1
        start = initial_state(self, c, (2, rows, *keys.shape[2:]))
        opening = None if start is None else (start[0], start[1])
        y = joined(attend(self._score(), q, k, v, reach, opening)).astype(x.dtype)
        x = x + dense(y, self.features, "out", c.dtype)
        if c.mlp_expansion:
            wide = Dense(c.mlp_expansion * self.features, dtype=c.dtype, name="up")
            down = Dense(self.features, dtype=c.dtype, name="down")
            x = x + down(jax.nn.gelu(wide(norm(x, "mlp_norm"))))
        return (keys, values, count), x

    def _score(self):
        """Scaled products, which know distances in one of two ways."""
        c = self.config

        def product(q: Array, k: Array) -> Array:
            return jnp.einsum("bthd,bshd->bhts", q, k) / c.head_size**0.5

        def rotary(q: Array, k: Array, q_time: Array, k_time: Array) -> Array:
            times = (time.astype(jnp.float32) for time in (q_time, k_time))
            at_q, at_k = (time[..., None, None] for time in times)
            return product(turned(q, at_q), turned(k, at_k))

        if c.positions == "rotary":
            return rotary
        zeros = nn.initializers.zeros_init()
        shape = (c.num_heads, c.window)
        bias = self.param("distance_bias", zeros, shape, jnp.float32)

        def biased(q: Array, k: Array, q_time: Array, k_time: Array) -> Array:
            distance = distances(q_time, k_time, c.window)
            return product(q, k) + jnp.moveaxis(bias[:, distance], 0, 1)

        return biased
