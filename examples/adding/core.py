"""Leaky integrators: a mean of the past that fades, at a rate learned for each unit."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from examples.adding.core_row import LeakyConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence import linear_recurrence


class LeakyLayer(nn.Module):
    """Norm, h[t] = a h[t-1] + (1 - a) W x[t] with a in (0, 1), and residual."""

    features: int
    config: LeakyConfig = LeakyConfig()

    def initial_carry(self, batch_size: int) -> Array:
        """[B, H] float32 zeros."""
        return jnp.zeros((batch_size, self.features), jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H], reading and writing `carry` [B, H]."""
        width, dtype = self.features, self.config.dtype
        log_time = self.param("log_time", self._draw, (width,), jnp.float32)
        a = jnp.exp(-jnp.exp(-log_time))  # what is left after a step; never 1
        read = Dense(width, dtype=dtype, name="read")(norm(x)).astype(jnp.float32)
        initial = initial_state(self, self.config, (width,))
        b = (1 - a)[None, None] * read
        carry, h = linear_recurrence(a, b, reset, carry, initial=initial)
        return carry, x + Dense(width, dtype=dtype, name="out")(h.astype(dtype))

    def _draw(self, key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        low, high = jnp.log(self.config.time_min), jnp.log(self.config.time_max)
        return jax.random.uniform(key, shape, dtype, low, high)
