"""Mamba: a state space whose step, input and output matrices are read off the input."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.gated import MambaConfig
from s5rl.cores.parts.block import initial_state, rms_norm
from s5rl.cores.parts.convolution import Convolution
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence.matrix import PRODUCT
from s5rl.recurrence.wide import wide_recurrence


class MambaLayer(nn.Module):
    """x + mamba(norm(x)), with the selective state space S6 (Gu & Dao, 2023).

    h[t, d, n] = exp(-step_d exp(A_dn)) h[t-1, d, n] + step_d B[t, n] u[t, d]
    y[t, d] = sum_n C[t, n] h[t, d, n] + D_d u[t, d]

    of D = `expansion` * H channels and N states each; u went through a convolution.
    """

    features: int
    config: MambaConfig = MambaConfig()
    reads_any_width: ClassVar[bool] = False

    @property
    def channels(self) -> int:
        """D."""
        return self.config.expansion * self.features

    def initial_carry(self, batch_size: int) -> tuple[Array, Array]:
        """(h [B, N, D], the convolution's tail [B, w-1, D]), float32 zeros."""
        tail = Convolution(self.config.conv_width, parent=None)
        states = self.config.state_size, self.channels
        return (
            jnp.zeros((batch_size, *states), jnp.float32),
            tail.initial_carry(batch_size, self.channels),
        )

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (h, tail), config, dtype = carry, self.config, self.config.dtype
        both = Dense(2 * self.channels, use_bias=False, dtype=dtype, name="in")
        u, z = jnp.split(both(rms_norm(x)), 2, axis=-1)
        convolve = Convolution(config.conv_width, name="convolution")
        tail, u = convolve(tail, u, reset)
        u = jax.nn.silu(u)
        h, y = self._select(h, u, reset)
        out = Dense(
            self.features,
            use_bias=False,
            dtype=dtype,
            # As many layers add to x: their sum starts as large as one.
            kernel_init=nn.initializers.variance_scaling(
                1 / config.num_layers, "fan_in", "truncated_normal"
            ),
            name="out",
        )
        return (h, tail), x + out(y.astype(dtype) * jax.nn.silu(z))

    def _select(self, h: Array, u: Array, reset: Array) -> tuple[Array, Array]:
        """The state space over u [T, B, D]; steps and states are float32."""
        config, size = self.config, self.config.state_size
        rank = -(-self.features // 16)
        project = Dense(
            rank + 2 * size, use_bias=False, dtype=config.dtype, name="project"
        )
        parts = jnp.split(project(u), [rank, rank + size], axis=-1)
        rough, read_in, read_out = (part.astype(jnp.float32) for part in parts)
        step = jax.nn.softplus(
            Dense(
                self.channels,
                kernel_init=_uniform(rank**-0.5),
                bias_init=self._draw_step,
                name="step",
            )(rough)
        )
        log_a = self.param("log_decay", _log_arange, (self.channels, size))
        ones = nn.initializers.ones_init()
        skip = self.param("skip", ones, (self.channels,), jnp.float32)
        u, rate = u.astype(jnp.float32), jnp.exp(log_a).T[None]

        def expand(step: Array, u: Array, read_in: Array, _: Array):
            a = jnp.exp(-step[:, None] * rate)
            return a, PRODUCT("bd,bn->bnd", step * u, read_in)

        def read(h: Array, *inputs: Array) -> Array:
            return PRODUCT("bnd,bn->bd", h, inputs[-1])

        h, y = wide_recurrence(
            expand,
            read,
            (step, u, read_in, read_out),
            reset,
            h,
            initial=initial_state(self, config, h.shape[1:]),
            method=config.method,
        )
        return h, y + skip[None, None] * u

    def _draw_step(self, key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        """A bias whose softplus is log-uniform between the least and largest step."""
        low, high = jnp.log(self.config.dt_min), jnp.log(self.config.dt_max)
        step = jnp.exp(jax.random.uniform(key, shape, dtype, low, high))
        return step + jnp.log(-jnp.expm1(-step))


def _log_arange(_: Array, shape: tuple[int, int]) -> Array:
    rates = jnp.log(jnp.arange(1, shape[1] + 1, dtype=jnp.float32))
    return jnp.broadcast_to(rates[None], shape)


def _uniform(limit: float):
    def draw(key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        return jax.random.uniform(key, shape, dtype, -limit, limit)

    return draw
