"""Linear attention: a sum of keys times values, which no step forgets."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.matrix import LinearAttentionConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.heads import dense, divided, joined
from s5rl.recurrence.matrix import matrix_recurrence

SMALLEST = 1e-6  # of the normaliser, which is a sum of positive numbers


class LinearAttentionLayer(nn.Module):
    """x + W_o y, with y = S^T f(q) / (z . f(q)) (Katharopoulos et al., 2020).

    S[t] = S[t-1] + f(k) v^T,  z[t] = z[t-1] + f(k),  f = 1 + elu.

    z is one more column of S, whose values are ones.
    """

    features: int
    config: LinearAttentionConfig = LinearAttentionConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, h, d_k, d_v + 1] float32 zeros."""
        c = self.config
        shape = (batch_size, c.num_heads, c.key_size, c.value_size + 1)
        return jnp.zeros(shape, jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H]."""
        c, u = self.config, norm(x)
        heads = c.num_heads

        def part(name: str, size: int) -> Array:
            return divided(dense(u, heads * size, name, c.dtype), heads).astype("f")

        q, k = (jax.nn.elu(part(name, c.key_size)) + 1 for name in ("query", "key"))
        v = part("value", c.value_size)
        v = jnp.concatenate([v, jnp.ones_like(v[..., :1])], axis=-1)
        carry, y = matrix_recurrence(
            q,
            k,
            v,
            jnp.zeros(v.shape[:3], jnp.float32),
            reset,
            carry,
            initial=initial_state(self, c, carry.shape[1:]),
            chunk=c.chunk,
        )
        y = joined(y[..., :-1] / (y[..., -1:] + SMALLEST)).astype(x.dtype)
        return carry, x + dense(y, self.features, "out", c.dtype)
