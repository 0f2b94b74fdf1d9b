"""Gated linear attention: every number of a key decays as the input says."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.matrix import GLAConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense
from s5rl.cores.parts.heads import dense, divided, head_norm, joined
from s5rl.recurrence.matrix import PRODUCT
from s5rl.recurrence.wide import wide_recurrence

SLOWNESS = 16.0  # the gate's root: it forgets as slowly as sigmoid(.)^(1/16)


class GLALayer(nn.Module):
    """Gated linear attention (Yang et al., 2023, section 4), and a residual.

    S[t] = diag(a) S[t-1] + k v^T,  y = S^T q / sqrt(d_k)
    a = sigmoid(W2 W1 x + c)^(1/16)

    Keys decay one by one, so that the states run as a linear recurrence of numbers.
    """

    features: int
    config: GLAConfig = GLAConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, h, d_k, d_v] float32 zeros."""
        c = self.config
        shape = batch_size, c.num_heads, c.key_size, c.value_size
        return jnp.zeros(shape, jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H]."""
        c, u, heads = self.config, norm(x), self.config.num_heads

        def part(name: str, size: int) -> Array:
            return divided(dense(u, heads * size, name, c.dtype), heads).astype("f")

        q, k = part("query", c.key_size), part("key", c.key_size)
        v = part("value", c.value_size)
        rough = dense(u, c.gate_rank, "decay_in", c.dtype)
        decay = Dense(heads * c.key_size, dtype=c.dtype, name="decay_out")(rough)
        log_a = jax.nn.log_sigmoid(divided(decay, heads).astype("f")) / SLOWNESS
        carry, y = wide_recurrence(
            _expand,
            _read,
            (jnp.exp(log_a), k, v, q),
            reset,
            carry,
            initial=initial_state(self, c, carry.shape[1:]),
            method=c.method,
        )
        y = joined(head_norm(y / c.key_size**0.5)).astype(x.dtype)
        gate = jax.nn.silu(dense(u, heads * c.value_size, "gate", c.dtype))
        return carry, x + dense(y * gate, self.features, "out", c.dtype)


def _expand(a: Array, k: Array, v: Array, _: Array) -> tuple[Array, Array]:
    return a[..., None], PRODUCT("bhk,bhv->bhkv", k, v)


def _read(state: Array, *inputs: Array) -> Array:
    # Not `asked_of`: over many steps a product's gradient is faster, by a tenth.
    return PRODUCT("bhkv,bhk->bhv", state, inputs[-1])
