"""Elman's network: flax's own cell, scanned and reset."""

from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.config.cells import ElmanConfig
from s5rl.cores.parts.block import initial_state
from s5rl.cores.parts.cells import run_cell


class ElmanLayer(nn.Module):
    """A `flax.linen.SimpleCell`, h = tanh(W x + U h + b), over time (`Layer`)."""

    features: int
    config: ElmanConfig = ElmanConfig()
    reads_any_width: ClassVar[bool] = True

    def initial_carry(self, batch_size: int) -> Array:
        """[B, H] float32 zeros."""
        return jnp.zeros((batch_size, self.features), jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, features_in] to y [T, B, H]."""
        cell = nn.SimpleCell(self.features, dtype=self.config.dtype, name="cell")
        nn.share_scope(self, cell)
        initial = initial_state(self, self.config, (self.features,))
        return run_cell(cell, carry, x, reset, initial)
