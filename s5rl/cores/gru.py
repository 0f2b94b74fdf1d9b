"""GRU: flax's own cell, scanned and reset."""

from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.config.cells import GRUConfig
from s5rl.cores.parts.block import initial_state
from s5rl.cores.parts.cells import run_cell
from s5rl.cores.stack import Stack


class GRULayer(nn.Module):
    """A `flax.linen.GRUCell` over time (`s5rl.cores.stack.Layer`)."""

    features: int
    config: GRUConfig = GRUConfig()
    reads_any_width: ClassVar[bool] = True

    def initial_carry(self, batch_size: int) -> Array:
        """[B, H] float32 zeros."""
        return jnp.zeros((batch_size, self.features), jnp.float32)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, features_in] to y [T, B, H]."""
        cell = nn.GRUCell(self.features, dtype=self.config.dtype, name="cell")
        nn.share_scope(self, cell)
        initial = initial_state(self, self.config, (self.features,))
        return run_cell(cell, carry, x, reset, initial)


class GRU(Stack):
    """A stack of GRUs (`s5rl.cores.Core`)."""

    config: GRUConfig = GRUConfig()
