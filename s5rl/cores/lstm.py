"""LSTM: flax's own cell, scanned and reset."""

from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.config.cells import LSTMConfig
from s5rl.cores.parts.block import initial_state
from s5rl.cores.parts.cells import run_cell
from s5rl.cores.stack import Stack


class LSTMLayer(nn.Module):
    """A `flax.linen.OptimizedLSTMCell` over time (`s5rl.cores.stack.Layer`)."""

    features: int
    config: LSTMConfig = LSTMConfig()
    reads_any_width: ClassVar[bool] = True

    def initial_carry(self, batch_size: int) -> tuple[Array, Array]:
        """A `(cell, hidden)` pair of [B, H] float32 zeros."""
        zeros = jnp.zeros((batch_size, self.features), jnp.float32)
        return zeros, zeros

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, features_in] to y [T, B, H]."""
        cell = nn.OptimizedLSTMCell(self.features, dtype=self.config.dtype, name="cell")
        nn.share_scope(self, cell)
        both = initial_state(self, self.config, (2, self.features))
        initial = None if both is None else (both[0], both[1])
        return run_cell(cell, carry, x, reset, initial)


class LSTM(Stack):
    """A stack of LSTMs (`s5rl.cores.Core`)."""

    config: LSTMConfig = LSTMConfig()
