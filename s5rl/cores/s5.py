"""S5 as flax modules: one layer, and the stack that agents use."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.spaces import S5Config
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.checked import check_arguments
from s5rl.cores.parts.dense import Dense
from s5rl.cores.parts.modes import Modes, of_planes
from s5rl.cores.stack import Stack
from s5rl.recurrence.rounding import rounded
from s5rl.ssm import layer as ssm


class S5Layer(nn.Module):
    """Norm, state space, gated nonlinearity and residual (Smith et al., 2023, fig. 1).

    LayerNorm stands where the paper's classifiers use BatchNorm: statistics over a
    batch would leak between environments and change between acting and learning.
    """

    features: int
    config: S5Config = S5Config()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, P] complex64 zeros."""
        return jnp.zeros((batch_size, self.config.num_states), jnp.complex64)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H], reading and writing `carry` [B, P]."""
        check_arguments(self.initial_carry, carry, x, reset)
        if x.shape[-1] != self.features:
            raise ValueError(
                f"x must be as wide as the layer, {self.features}; got {x.shape}."
            )
        config = self.config
        u = norm(x) if config.norm == "pre" else x
        parameters = self.param("ssm", ssm.initialise, self.features, config)
        initial = initial_state(self, config, carry.shape[1:], carry.dtype)
        carry, y = ssm.apply(
            parameters, carry, u, reset, config=config, initial=initial
        )
        y = rounded(x.astype(jnp.float32) + self._activate(y), config.dtype)
        return carry, norm(y) if config.norm == "post" else y

    @staticmethod
    def modes(config: S5Config, parameters: Any) -> Modes:
        """Its states, where `parameters` are the layer's."""
        own = parameters["ssm"]
        multiplier, _ = ssm.recurrence(own, config)
        return of_planes(multiplier, own["output_matrix"], doubled=config.halved)

    def _activate(self, y: Array) -> Array:
        """Float32 between the products, whose results are rounded."""

        def dense(name):
            layer = Dense(self.features, dtype=self.config.dtype, name=name)
            return lambda value: layer(value).astype(jnp.float32)

        y = y.astype(jnp.float32)
        activated = jax.nn.gelu(y)
        if self.config.activation == "full_glu":
            gate = dense("gate")(activated)
            return dense("value")(activated) * jax.nn.sigmoid(gate)
        if self.config.activation == "half_glu1":
            return activated * jax.nn.sigmoid(dense("gate")(activated))
        if self.config.activation == "half_glu2":
            return y * jax.nn.sigmoid(dense("gate")(activated))
        return activated


class S5(Stack):
    """A stack of `S5Layer`s behind the core interface (`s5rl.cores.Core`)."""

    config: S5Config = S5Config()
