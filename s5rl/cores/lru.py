"""The linear recurrent unit: a diagonal recurrence, normalised and stable by form."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.gated import LRUConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense, spread
from s5rl.cores.parts.modes import Modes, of_planes
from s5rl.recurrence import linear_recurrence

SMALLEST = 1e-6  # of 1 - |a|^2 and of an angle: their logarithms are parameters


class LRULayer(nn.Module):
    """Norm, LRU, gated nonlinearity and residual (Orvieto et al., 2023, section 3).

    h[t] = a h[t-1] + exp(gamma) * (B u[t]),  y[t] = Re(C h[t]) + D u[t]

    with a = exp(-exp(nu) + i exp(theta)), so that |a| < 1 whatever is learned.
    """

    features: int
    config: LRUConfig = LRUConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, P] complex64 zeros."""
        return jnp.zeros((batch_size, self.config.state_size), jnp.complex64)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H], reading and writing `carry` [B, P]."""
        config, dtype, u = self.config, self.config.dtype, norm(x)
        states, width = config.state_size, self.features
        nu = self.param("nu", self._draw_nu)
        theta = self.param("theta", self._draw_theta)
        # |a|^2 = exp(-2 exp(nu)); at first the states' variance is that of B u.
        gamma = self.param("gamma", lambda _: _log_scale(nu))
        read_in = self._draw("input_matrix", 2 * width, (2, width, states))
        read_out = self._draw("output_matrix", states, (2, states, width))
        feedthrough = self._draw("feedthrough", 1, (width,))

        a = _multiplier(nu, theta)
        parts = [(u @ m.astype(dtype)).astype(jnp.float32) for m in read_in]
        scale = jnp.exp(gamma)[None, None]
        b = jax.lax.complex(scale * parts[0], scale * parts[1])
        initial = initial_state(self, config, (states,), jnp.complex64)
        carry, h = linear_recurrence(
            a, b, reset, carry, initial=initial, method=config.method
        )
        real, imaginary = read_out.astype(dtype)
        y = h.real.astype(dtype) @ real - h.imag.astype(dtype) @ imaginary
        y = jax.nn.gelu(y + spread(feedthrough, u) * u)
        value = Dense(width, dtype=dtype, name="value")(y)
        gate = Dense(width, dtype=dtype, name="gate")(y)
        return carry, x + value * jax.nn.sigmoid(gate)

    @staticmethod
    def modes(config: LRUConfig, parameters: Any) -> Modes:
        """Its states, where `parameters` are the layer's."""
        a = _multiplier(parameters["nu"], parameters["theta"])
        return of_planes(a, parameters["output_matrix"], doubled=False)

    def _draw(self, name: str, fan: int, shape: tuple[int, ...]) -> Array:
        init = nn.initializers.normal(fan**-0.5)
        return self.param(name, init, shape, jnp.float32)

    def _draw_nu(self, key: Array) -> Array:
        """|a| uniform in area between the two radii."""
        low, high = self.config.r_min**2, self.config.r_max**2
        u = jax.random.uniform(key, (self.config.state_size,), jnp.float32)
        square = jnp.clip(u * (high - low) + low, SMALLEST, 1 - SMALLEST)
        return jnp.log(-jnp.log(square) / 2)

    def _draw_theta(self, key: Array) -> Array:
        u = jax.random.uniform(key, (self.config.state_size,), jnp.float32)
        return jnp.log(jnp.maximum(u * self.config.max_phase, SMALLEST))


def _multiplier(nu: Array, theta: Array) -> Array:
    return jnp.exp(jax.lax.complex(-jnp.exp(nu), jnp.exp(theta)))


def _log_scale(nu: Array) -> Array:
    """log sqrt(1 - |a|^2)."""
    return jnp.log(jnp.maximum(-jnp.expm1(-2 * jnp.exp(nu)), SMALLEST)) / 2
