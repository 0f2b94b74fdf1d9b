"""Mamba-2: a selective state space whose states of a head decay alike."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.matrix import Mamba2Config
from s5rl.cores.parts.block import initial_state, rms_norm
from s5rl.cores.parts.convolution import Convolution
from s5rl.cores.parts.heads import dense, divided, joined
from s5rl.recurrence.matrix import matrix_recurrence

SLOWEST, FASTEST = 1.0, 16.0  # rates at first, uniform between


class Mamba2Layer(nn.Module):
    """x + mamba2(norm(x)), by state space duality (Dao & Gu, 2024, sections 5 to 7).

    S_h[t] = exp(-A_h step_h) S_h[t-1] + step_h B X_h^T,  y_h = S_h^T C + D_h X_h

    of heads with `head_size` channels and N states each; X, B and C went through a
    convolution. The gate comes before the norm.
    """

    features: int
    config: Mamba2Config = Mamba2Config()
    reads_any_width: ClassVar[bool] = False

    @property
    def channels(self) -> int:
        """D of all heads together."""
        return self.config.expansion * self.features

    @property
    def head_size(self) -> int:
        """Channels of a head: all of them where there are fewer."""
        size = min(self.config.head_size, self.channels)
        if self.channels % size:
            raise ValueError(
                f"expansion * features ({self.channels}) must be a multiple of "
                f"head_size ({self.config.head_size})."
            )
        return size

    def initial_carry(self, batch_size: int) -> tuple[Array, Array]:
        """(S [B, h, N, head_size], the convolution's tail [B, w-1, D + 2N])."""
        size, states = self.head_size, self.config.state_size
        tail = Convolution(self.config.conv_width, parent=None)
        shape = (batch_size, self.channels // size, states, size)
        return (
            jnp.zeros(shape, jnp.float32),
            tail.initial_carry(batch_size, self.channels + 2 * states),
        )

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (state, tail), c, width = carry, self.config, self.channels
        states, heads = c.state_size, width // self.head_size
        mixed = dense(rms_norm(x), 2 * (width + states) + heads, "in", c.dtype)
        z, u, rough = jnp.split(mixed, [width, 2 * (width + states)], axis=-1)
        tail, u = Convolution(c.conv_width, name="convolution")(tail, u, reset)
        u = jax.nn.silu(u).astype(jnp.float32)
        v, k, q = jnp.split(u, [width, width + states], axis=-1)
        v = divided(v, heads)
        bias = self.param("step_bias", self._draw_step, (heads,))
        rate = self.param("log_rate", _draw_rate, (heads,))
        skip = self.param("skip", nn.initializers.ones_init(), (heads,), jnp.float32)
        step = jax.nn.softplus(rough.astype(jnp.float32) + bias[None, None])

        def shared(array: Array) -> Array:  # all heads read and write alike
            return jnp.broadcast_to(array[:, :, None], (*v.shape[:3], states))

        state, y = matrix_recurrence(
            shared(q),
            shared(k),
            step[..., None] * v,
            -jnp.exp(rate)[None, None] * step,
            reset,
            state,
            initial=initial_state(self, c, state.shape[1:]),
            chunk=c.chunk,
        )
        y = joined(y + skip[None, None, :, None] * v).astype(x.dtype)
        y = rms_norm(y * jax.nn.silu(z), "out_norm")
        return (state, tail), x + dense(y, self.features, "out", c.dtype)

    def _draw_step(self, key: Array, shape: tuple[int, ...]) -> Array:
        """A bias whose softplus is log-uniform between the least and largest step."""
        low, high = jnp.log(self.config.dt_min), jnp.log(self.config.dt_max)
        step = jnp.exp(jax.random.uniform(key, shape, jnp.float32, low, high))
        return step + jnp.log(-jnp.expm1(-step))


def _draw_rate(key: Array, shape: tuple[int, ...]) -> Any:
    return jnp.log(jax.random.uniform(key, shape, jnp.float32, SLOWEST, FASTEST))
