"""A core without memory: what an agent can do from one observation alone."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config import MLPConfig
from s5rl.cores.checked import check_arguments


class MLP(nn.Module):
    """Dense layers applied to each step by itself (`s5rl.cores.Core`)."""

    features: int
    config: MLPConfig = MLPConfig()

    def initial_carry(self, batch_size: int) -> tuple[()]:
        """Nothing: there is no memory."""
        return ()

    @nn.compact
    def __call__(self, carry: tuple[()], x: Array, reset: Array):
        """Maps x [T, B, features_in] to y [T, B, features]; `reset` changes nothing."""
        check_arguments(self.initial_carry, carry, x, reset)
        x = x.astype(jnp.float32)
        for index in range(self.config.num_layers):
            x = jax.nn.gelu(nn.Dense(self.features, name=f"layer_{index}")(x))
        return carry, x
