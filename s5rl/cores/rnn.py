"""GRU and LSTM behind the core interface: flax's own cells, scanned and reset."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config import GRUConfig, LSTMConfig


class GRU(nn.Module):
    """A stack of `flax.linen.GRUCell`s (`s5rl.cores.Core`)."""

    features: int
    config: GRUConfig = GRUConfig()

    def initial_carry(self, batch_size: int) -> tuple[Array, ...]:
        """A [B, features] float32 zero state per layer."""
        zeros = jnp.zeros((batch_size, self.features))
        return (zeros,) * self.config.num_layers

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array) -> tuple[Any, Array]:
        """Maps x [T, B, features_in] to y [T, B, features]."""
        cells = [
            nn.GRUCell(self.features, name=f"layer_{index}")
            for index in range(self.config.num_layers)
        ]
        return _run_stack(cells, carry, x, reset)


class LSTM(nn.Module):
    """A stack of `flax.linen.OptimizedLSTMCell`s (`s5rl.cores.Core`)."""

    features: int
    config: LSTMConfig = LSTMConfig()

    def initial_carry(self, batch_size: int) -> tuple[tuple[Array, Array], ...]:
        """A `(cell, hidden)` pair of [B, features] float32 zeros per layer."""
        zeros = jnp.zeros((batch_size, self.features))
        return ((zeros, zeros),) * self.config.num_layers

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array) -> tuple[Any, Array]:
        """Maps x [T, B, features_in] to y [T, B, features]."""
        cells = [
            nn.OptimizedLSTMCell(self.features, name=f"layer_{index}")
            for index in range(self.config.num_layers)
        ]
        return _run_stack(cells, carry, x, reset)


def _run_stack(cells, carry, x: Array, reset: Array):
    x = x.astype(jnp.float32)
    carries = []
    for cell, state in zip(cells, carry, strict=True):
        state, x = _run_cell(cell, state, x, reset)
        carries.append(state)
    return tuple(carries), x


def _run_cell(cell, carry, x: Array, reset: Array):
    def step(cell, carry, now):
        x_t, reset_t = now
        # Selected, not multiplied: what a reset drops may be NaN.
        carry = jax.tree.map(lambda c: jnp.where(reset_t[:, None], 0, c), carry)
        return cell(carry, x_t)

    if len(x) == 1:
        carry, y = step(cell, carry, (x[0], reset[0]))
        return carry, y[None]
    scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
    return scan(cell, carry, (x, reset))
