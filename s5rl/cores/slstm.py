"""sLSTM: an LSTM whose exponential gates read what was remembered."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.cells import SLSTMConfig
from s5rl.cores.parts.block import GatedMLP, norm
from s5rl.cores.parts.cells import run_cell
from s5rl.cores.parts.convolution import Convolution
from s5rl.cores.parts.dense import Dense
from s5rl.cores.parts.heads import divided, head_norm, head_size, joined


class SLSTMCell(nn.Module):
    """One step, of gates [B, 4 H] that have read the input (Beck et al., 2024, s. 2.2).

    c[t] = sigmoid(f) c[t-1] + exp(i) tanh(z),  n[t] = sigmoid(f) n[t-1] + exp(i),
    y = sigmoid(o) c / n; the gates add R y[t-1], in blocks of a head.

    c and n are kept as multiples of exp(m). Before anything was written n is zero, and
    m is the input gate alone: any other start could leave c / n as 0 / 0.
    """

    features: int
    num_heads: int

    @nn.compact
    def __call__(self, carry, gates: Array):
        """Maps ((y, c, n, m), [B, 4 H]) to ((y, c, n, m), y), all [B, H] float32."""
        y, c, n, m = carry
        heads, size = self.num_heads, head_size(self.features, self.num_heads)
        zeros = nn.initializers.zeros_init()
        kernel = self.param("recurrent", zeros, (heads, size, 4, size), jnp.float32)
        again = jnp.einsum("bhi,higj->bghj", divided(y, heads), kernel)
        gates = gates.reshape(-1, 4, self.features) + again.reshape(
            -1, 4, self.features
        )
        i, f, z, o = (gates[:, index] for index in range(4))
        kept = jax.nn.log_sigmoid(f) + m
        after = jnp.where(n == 0, i, jnp.maximum(i, kept))
        write = jnp.exp(i - after)
        forget = jnp.where(n == 0, 0, jnp.exp(jnp.where(n == 0, 0, kept - after)))
        c = forget * c + write * jnp.tanh(z)
        n = forget * n + write
        y = jax.nn.sigmoid(o) * c / n
        return (y, c, n, after), y


class SLSTMLayer(nn.Module):
    """Norm, sLSTM, norm of each head, residual; norm, gated MLP, residual.

    A learned start has y, c and, so that c counts, n = 1.
    """

    features: int
    config: SLSTMConfig = SLSTMConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> tuple[tuple[Array, ...], Array]:
        """((y, c, n, m) [B, H], the convolution's tail [B, w-1, H]), zeros."""
        head_size(self.features, self.config.num_heads)  # refuses what it cannot be
        zeros = jnp.zeros((batch_size, self.features), jnp.float32)
        tail = Convolution(self.config.conv_width, parent=None)
        return (zeros,) * 4, tail.initial_carry(batch_size, self.features)

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (state, tail), c, u = carry, self.config, norm(x)
        tail, smooth = Convolution(c.conv_width, name="convolution")(tail, u, reset)
        smooth = jax.nn.silu(smooth)

        def gate(name: str, value: Array, bias: Any) -> Array:
            dense = Dense(self.features, dtype=c.dtype, bias_init=bias, name=name)
            return dense(value).astype(jnp.float32)

        zeros = nn.initializers.zeros_init()
        gates = jnp.concatenate(
            [
                gate("input", smooth, zeros),
                gate("forget", smooth, self._forget_bias),
                gate("candidate", u, zeros),
                gate("output", u, zeros),
            ],
            axis=-1,
        )
        cell = SLSTMCell(self.features, c.num_heads, name="cell")
        state, y = run_cell(cell, state, gates, reset, self._start())
        y = joined(head_norm(divided(y, c.num_heads))).astype(x.dtype)
        scale = self.param(
            "scale", nn.initializers.ones_init(), (self.features,), jnp.float32
        )
        x = x + scale.astype(c.dtype)[None, None] * y
        if c.mlp_expansion:
            mlp = GatedMLP(self.features, c.mlp_expansion, c.dtype, name="mlp")
            x = x + mlp(norm(x, "mlp_norm"))
        return (state, tail), x

    def _start(self) -> tuple[Array, ...] | None:
        if not self.config.learned_initial_state:
            return None
        zeros, shape = nn.initializers.zeros_init(), (2, self.features)
        y, c = self.param("initial_state", zeros, shape, jnp.float32)
        return y, c, jnp.ones_like(c), jnp.zeros_like(c)

    def _forget_bias(self, _: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        """Within a head from remembering to forgetting, as the authors start it."""
        size = head_size(self.features, self.config.num_heads)
        spread = (jnp.arange(size, dtype=dtype) / max(size - 1, 1)) ** 0.3
        return jnp.tile(5 - 12 * spread, self.config.num_heads).reshape(shape)
