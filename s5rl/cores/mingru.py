"""minGRU and minLSTM: gates that read the input make a cell a linear recurrence."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.gated import MinGRUConfig, MinLSTMConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence import linear_recurrence


class _MinLayer(nn.Module):
    """Norm, cell and residual; the cell says what is kept and what is written."""

    features: int
    config: Any
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, H] float32 zeros."""
        return jnp.zeros((batch_size, self.features), jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H], reading and writing `carry` [B, H]."""
        u = norm(x)
        kept, written = self.gates(u)
        candidate = self.dense(u, "candidate")
        if self.config.candidate == "positive":
            candidate = jnp.where(
                candidate >= 0, candidate + 0.5, jax.nn.sigmoid(candidate)
            )
        carry, h = linear_recurrence(
            kept,
            written * candidate,
            reset,
            carry,
            initial=initial_state(self, self.config, (self.features,)),
            method=self.config.method,
        )
        dtype = self.config.dtype
        out = Dense(self.features, dtype=dtype, name="out")(h.astype(dtype))
        return carry, x + out

    def dense(self, u: Array, name: str, bias: Any = None) -> Array:
        """[T, B, H] float32: a gate near one would round to one in bfloat16."""
        layer = Dense(
            self.features,
            dtype=self.config.dtype,
            bias_init=bias or nn.initializers.zeros_init(),
            name=name,
        )
        return layer(u).astype(jnp.float32)

    def memories(self, key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        """The logarithms of how many steps each unit remembers at first."""
        low, high = jnp.log(self.config.time_min), jnp.log(self.config.time_max)
        return jax.random.uniform(key, shape, dtype, low, high)

    def gates(self, u: Array) -> tuple[Array, Array]:
        """(kept, written), [T, B, H] each, between 0 and 1, of the normed input."""
        raise NotImplementedError


class MinGRULayer(_MinLayer):
    """h[t] = (1 - z) h[t-1] + z g(W x[t]), z = sigmoid(V x[t]) (Feng et al., 2024).

    The gate's bias starts so that units remember for `time_min` to `time_max` steps,
    log-uniformly: our choice, as the paper's cell has none.
    """

    config: MinGRUConfig = MinGRUConfig()

    def gates(self, u: Array) -> tuple[Array, Array]:
        """As `_MinLayer.gates`."""
        z = self.dense(u, "update", lambda *draw: -self.memories(*draw))
        return jax.nn.sigmoid(-z), jax.nn.sigmoid(z)


class MinLSTMLayer(_MinLayer):
    """h[t] = f' h[t-1] + i' g(W x[t]), with f' + i' = 1 (Feng et al., 2024).

    f' = f / (f + i) is a sigmoid of a difference of softplus functions, which never
    divides by nothing. The forget gate's bias starts as minGRU's.
    """

    config: MinLSTMConfig = MinLSTMConfig()

    def gates(self, u: Array) -> tuple[Array, Array]:
        """As `_MinLayer.gates`."""
        forget, write = self.dense(u, "forget"), self.dense(u, "input", self._bias)
        # log(sigmoid(f) / sigmoid(i))
        ratio = jax.nn.softplus(-write) - jax.nn.softplus(-forget)
        return jax.nn.sigmoid(ratio), jax.nn.sigmoid(-ratio)

    def _bias(self, key: Array, shape: tuple[int, ...], dtype: Any) -> Array:
        return -self.memories(key, shape, dtype)
