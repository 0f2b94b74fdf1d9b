"""LSTM behind the core interface: flax's own cell, scanned and reset."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.config import LSTMConfig
from s5rl.cores.cells import run_stack
from s5rl.cores.checked import check_arguments


class LSTM(nn.Module):
    """A stack of `flax.linen.OptimizedLSTMCell`s (`s5rl.cores.Core`)."""

    features: int
    config: LSTMConfig = LSTMConfig()

    def initial_carry(self, batch_size: int) -> tuple[tuple[Array, Array], ...]:
        """A `(cell, hidden)` pair of [B, features] float32 zeros per layer."""
        zeros = jnp.zeros((batch_size, self.features), jnp.float32)
        return ((zeros, zeros),) * self.config.num_layers

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array) -> tuple[Any, Array]:
        """Maps x [T, B, features_in] to y [T, B, features]."""
        check_arguments(self.initial_carry, carry, x, reset)
        cells = [
            nn.OptimizedLSTMCell(self.features, name=f"layer_{index}")
            for index in range(self.config.num_layers)
        ]
        return run_stack(cells, carry, x, reset)
