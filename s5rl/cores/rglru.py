"""Griffin's recurrent block, around the real-gated linear recurrent unit."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.gated import RGLRUConfig
from s5rl.cores.parts.block import GatedMLP, initial_state, rms_norm
from s5rl.cores.parts.convolution import Convolution
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence import linear_recurrence

SHARPNESS = 8.0  # c of the paper: log a = -c r softplus(p)


class RGLRULayer(nn.Module):
    """Norm, recurrent block, residual; norm, gated MLP, residual (De et al., 2024).

    r = sigmoid(W_a u), i = sigmoid(W_x u), log a = -8 r softplus(p)   (equations 1-6)
    h[t] = a h[t-1] + sqrt(1 - a^2) i u[t]

    The released code leaves the root out at a segment's first step; here a first step
    is like any other, so that a flag alone changes nothing.
    """

    features: int
    config: RGLRUConfig = RGLRUConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> tuple[Array, Array]:
        """(h [B, H], the convolution's tail [B, w-1, H]), float32 zeros."""
        tail = Convolution(self.config.conv_width, parent=None)
        return (
            jnp.zeros((batch_size, self.features), jnp.float32),
            tail.initial_carry(batch_size, self.features),
        )

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (h, tail), config, dtype = carry, self.config, self.config.dtype

        def dense(value: Array, name: str) -> Array:
            return Dense(self.features, dtype=dtype, name=name)(value)

        u = rms_norm(x)
        left = jax.nn.gelu(dense(u, "gate"))
        init = nn.initializers.normal((0.01 / config.conv_width) ** 0.5)
        convolve = Convolution(config.conv_width, init, name="convolution")
        tail, right = convolve(tail, dense(u, "in"), reset)
        a, b = self._recurrence(right.astype(jnp.float32))
        h, y = linear_recurrence(
            a,
            b,
            reset,
            h,
            initial=initial_state(self, config, (self.features,)),
            method=config.method,
        )
        x = x + dense(left * y.astype(dtype), "out")
        if config.mlp_expansion:
            mlp = GatedMLP(self.features, config.mlp_expansion, dtype, name="mlp")
            x = x + mlp(rms_norm(x, "mlp_norm"))
        return (h, tail), x

    def _recurrence(self, u: Array) -> tuple[Array, Array]:
        """(a, b), [T, B, H] float32: rounded gates near one would forget nothing."""
        decay = self.param("decay", _draw_decay, (self.features,))
        r, i = jax.nn.sigmoid(self._gate(u, "a")), jax.nn.sigmoid(self._gate(u, "x"))
        log_a = -SHARPNESS * r * jax.nn.softplus(decay)[None, None]
        # The root's slope has no bound where a is near one.
        return jnp.exp(log_a), jnp.sqrt(jnp.maximum(-jnp.expm1(2 * log_a), 1e-6)) * (
            i * u
        )

    def _gate(self, u: Array, name: str) -> Array:
        """A block-diagonal matrix of `num_heads` blocks, and a bias."""
        heads = self.config.num_heads
        if self.features % heads:
            raise ValueError(
                f"features ({self.features}) must be a multiple of num_heads ({heads})."
            )
        size = self.features // heads
        init = nn.initializers.normal(size**-0.5)
        kernel = self.param(f"kernel_{name}", init, (heads, size, size), jnp.float32)
        zeros = nn.initializers.zeros_init()
        bias = self.param(f"bias_{name}", zeros, (self.features,), jnp.float32)
        blocks = u.reshape(*u.shape[:-1], heads, size)
        product = jnp.einsum("tbhi,hij->tbhj", blocks, kernel)
        return product.reshape(u.shape) + bias[None, None]


def _draw_decay(key: Array, shape: tuple[int, ...]) -> Any:
    """p, such that exp(-softplus(p)) is between 0.9 and 0.999, uniform in area."""
    u = jax.random.uniform(key, shape, jnp.float32)
    ring = jnp.sqrt(u * (0.999**2 - 0.9**2) + 0.9**2)
    return jnp.log(jnp.expm1(-jnp.log(ring)))
