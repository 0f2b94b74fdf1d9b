"""S5 as flax modules: one layer, and the stack that agents use."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config import S5Config
from s5rl.cores.checked import check_arguments
from s5rl.ssm import layer as ssm


class S5Layer(nn.Module):
    """Norm, state space, gated nonlinearity and residual (Smith et al., 2023, fig. 1).

    LayerNorm stands where the paper's classifiers use BatchNorm: statistics over a
    batch would leak between environments and change between acting and learning.
    """

    features: int
    config: S5Config = S5Config()

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
        u = self._norm(x) if config.norm == "pre" else x
        parameters = self.param("ssm", ssm.initialise, self.features, config)
        carry, y = ssm.apply(parameters, carry, u, reset, config=config)
        y = x + self._activate(y)
        return carry, self._norm(y) if config.norm == "post" else y

    def _norm(self, x: Array) -> Array:
        # Statistics in float32, whatever the layers compute in.
        return nn.LayerNorm(name="norm")(x.astype(jnp.float32)).astype(x.dtype)

    def _activate(self, y: Array) -> Array:
        def dense(name):
            return nn.Dense(self.features, dtype=self.config.dtype, name=name)

        activated = jax.nn.gelu(y)
        if self.config.activation == "full_glu":
            gate = dense("gate")(activated)
            return dense("value")(activated) * jax.nn.sigmoid(gate)
        if self.config.activation == "half_glu1":
            return activated * jax.nn.sigmoid(dense("gate")(activated))
        if self.config.activation == "half_glu2":
            return y * jax.nn.sigmoid(dense("gate")(activated))
        return activated


class S5(nn.Module):
    """A stack of `S5Layer`s behind the core interface (`s5rl.cores.Core`).

    Inputs of another width than `features` pass a dense layer first.
    """

    features: int
    config: S5Config = S5Config()

    def initial_carry(self, batch_size: int) -> tuple[Array, ...]:
        """A [B, P] complex64 zero state per layer."""
        zeros = jnp.zeros((batch_size, self.config.num_states), jnp.complex64)
        return (zeros,) * self.config.num_layers

    @nn.compact
    def __call__(
        self, carry: tuple[Array, ...], x: Array, reset: Array
    ) -> tuple[tuple[Array, ...], Array]:
        """Maps x [T, B, features_in] to y [T, B, features]."""
        check_arguments(self.initial_carry, carry, x, reset)
        x = x.astype(self.config.dtype)
        if x.shape[-1] != self.features:
            x = nn.Dense(self.features, dtype=self.config.dtype, name="encoder")(x)
        carries = []
        layers = range(self.config.num_layers)
        for index, state in zip(layers, carry, strict=True):
            layer = S5Layer(self.features, self.config, name=f"layer_{index}")
            state, x = layer(state, x, reset)
            carries.append(state)
        return tuple(carries), x.astype(jnp.float32)
