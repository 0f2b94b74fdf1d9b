"""DeltaNet, which overwrites what stands at a key, and its form that forgets too."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.matrix import DeltaNetConfig, GatedDeltaNetConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.convolution import Convolution
from s5rl.cores.parts.heads import dense, divided, head_norm, joined, unit
from s5rl.recurrence.delta import delta_recurrence


class DeltaNetLayer(nn.Module):
    """The delta rule between convolutions and a norm, and a residual.

    S[t] = (I - b k k^T) S[t-1] + b k v^T,  y = S^T q / sqrt(d_k)

    with keys and queries of length one, b = sigmoid(W x) (Yang et al., 2024).
    """

    features: int
    config: DeltaNetConfig = DeltaNetConfig()
    reads_any_width: ClassVar[bool] = False

    @property
    def sizes(self) -> dict[str, int]:
        """Channels of queries, keys and values."""
        c = self.config
        keys = c.num_heads * c.key_size
        return {"query": keys, "key": keys, "value": c.num_heads * c.value_size}

    def initial_carry(self, batch_size: int) -> tuple[Array, dict[str, Array]]:
        """(S [B, h, d_k, d_v], the convolutions' tails [B, w-1, D]), zeros."""
        c, tail = self.config, Convolution(self.config.conv_width, parent=None)
        shape = (batch_size, c.num_heads, c.key_size, c.value_size)
        tails = {
            name: tail.initial_carry(batch_size, size)
            for name, size in self.sizes.items()
        }
        return jnp.zeros(shape, jnp.float32), tails

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (state, tails), c, u = carry, self.config, norm(x)
        parts, after = {}, {}
        for name, size in self.sizes.items():
            raw = dense(u, size, name, c.dtype)
            convolve = Convolution(c.conv_width, name=f"{name}_convolution")
            after[name], smooth = convolve(tails[name], raw, reset)
            parts[name] = divided(jax.nn.silu(smooth), c.num_heads)
        beta = dense(u, c.num_heads, "beta", c.dtype).astype(jnp.float32)
        beta = jax.nn.sigmoid(beta) * (2 if c.negative_eigenvalues else 1)
        state, y = delta_recurrence(
            unit(parts["query"]),
            unit(parts["key"]),
            parts["value"],
            beta,
            self.log_decay(u),
            reset,
            state,
            initial=initial_state(self, c, state.shape[1:]),
            chunk=c.chunk,
        )
        y = joined(head_norm(y / c.key_size**0.5)).astype(x.dtype)
        out = dense(self.gated(y, u), self.features, "out", c.dtype)
        return (state, after), x + out

    def log_decay(self, u: Array) -> Array:
        """[T, B, h]: nothing is forgotten but what is overwritten."""
        return jnp.zeros((*u.shape[:2], self.config.num_heads), jnp.float32)

    def gated(self, y: Array, u: Array) -> Array:
        """What of y goes out: all of it."""
        return y


class GatedDeltaNetLayer(DeltaNetLayer):
    """The same with a decay, S[t] = a (I - b k k^T) S[t-1] + b k v^T, and a gate.

    a = exp(-A softplus(W x + c)), one a head (Yang et al., 2025).
    """

    config: GatedDeltaNetConfig = GatedDeltaNetConfig()

    def log_decay(self, u: Array) -> Array:
        """[T, B, h], as the input says."""
        heads = (self.config.num_heads,)
        rate = self.param("log_rate", _draw_rate, heads)
        bias = self.param("decay_bias", _draw_bias, heads)
        rough = dense(u, heads[0], "decay", self.config.dtype).astype(jnp.float32)
        return -jnp.exp(rate)[None, None] * jax.nn.softplus(rough + bias[None, None])

    def gated(self, y: Array, u: Array) -> Array:
        """y times a gate that reads the input."""
        gate = dense(u, self.sizes["value"], "gate", self.config.dtype)
        return y * jax.nn.silu(gate)


def _draw_rate(key: Array, shape: tuple[int, ...]) -> Any:
    rate = jax.random.uniform(key, shape, jnp.float32, 0.0, 16.0)
    return jnp.log(jnp.maximum(rate, 1e-3))


def _draw_bias(key: Array, shape: tuple[int, ...]) -> Any:
    """A bias whose softplus is log-uniform between 0.001 and 0.1."""
    low, high = jnp.log(1e-3), jnp.log(1e-1)
    step = jnp.exp(jax.random.uniform(key, shape, jnp.float32, low, high))
    return step + jnp.log(-jnp.expm1(-step))
