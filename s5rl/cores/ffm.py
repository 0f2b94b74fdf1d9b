"""Fast and forgetful memory: traces that decay, each at several frequencies."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.gated import FFMConfig
from s5rl.cores.parts.block import initial_state
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence import linear_recurrence

# Where the decay rates start, from the fastest to the slowest, which comes to 1 %
# after 1,024 steps; and the longest period, in steps: the published runs on POPGym.
FASTEST, SLOWEST, LONGEST = 0.673, 0.0045, 1024.0


class FFMLayer(nn.Module):
    """A layer of Fast and Forgetful Memory (Morad et al., 2023).

    h[t, j, k] = exp(-alpha_j + i omega_k) h[t-1, j, k] + (W1 x * sigmoid(W2 x))_j
    y = LN(W3 [Re h, Im h]) * g + W4 x * (1 - g),  g = sigmoid(W5 x)

    The paper counts time to avoid a recurrence; a recurrence needs no clock. alpha is a
    softplus, so that it stays positive, where the authors clip it.
    """

    features: int
    config: FFMConfig = FFMConfig()
    reads_any_width: ClassVar[bool] = True

    def initial_carry(self, batch_size: int) -> Array:
        """[B, m c] complex64 zeros."""
        size = self.config.memory_size * self.config.context_size
        return jnp.zeros((batch_size, size), jnp.complex64)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, features_in] to y [T, B, H]."""
        config, dtype = self.config, self.config.dtype
        traces, contexts = config.memory_size, config.context_size

        def dense(width: int, name: str, value: Array) -> Array:
            return Dense(width, dtype=dtype, name=name)(value)

        alpha = self.param("decay", _draw_decay, traces)
        omega = self.param("frequency", _draw_frequency, contexts)
        rate = jax.lax.complex(
            jnp.repeat(-jax.nn.softplus(alpha), contexts), jnp.tile(omega, traces)
        )
        gate = jax.nn.sigmoid(dense(traces, "input_gate", x))
        written = (dense(traces, "input", x) * gate).astype(jnp.float32)
        carry, h = linear_recurrence(
            jnp.exp(rate),
            jnp.repeat(written, contexts, axis=-1),
            reset,
            carry,
            initial=initial_state(self, config, carry.shape[1:], carry.dtype),
            method=config.method,
        )
        read = jnp.concatenate([h.real, h.imag], axis=-1).astype(dtype)
        z = dense(self.features, "mix", read).astype(jnp.float32)
        z = nn.LayerNorm(use_bias=False, use_scale=False)(z).astype(dtype)
        g = jax.nn.sigmoid(dense(self.features, "output_gate", x))
        return carry, z * g + dense(self.features, "skip", x) * (1 - g)


def _draw_decay(_: Array, size: int) -> Any:
    return jnp.log(jnp.expm1(jnp.linspace(FASTEST, SLOWEST, size, dtype=jnp.float32)))


def _draw_frequency(_: Array, size: int) -> Any:
    return 2 * jnp.pi / jnp.linspace(1.0, LONGEST, size, dtype=jnp.float32)
