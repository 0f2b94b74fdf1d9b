"""A core without memory: what an agent can do from one observation alone."""

from typing import ClassVar

import flax.linen as nn
import jax
from jax import Array

from s5rl.config.cells import MLPConfig
from s5rl.cores.parts.dense import Dense
from s5rl.cores.stack import Stack


class MLPLayer(nn.Module):
    """A dense layer applied to each step by itself (`s5rl.cores.stack.Layer`)."""

    features: int
    config: MLPConfig = MLPConfig()
    reads_any_width: ClassVar[bool] = True

    def initial_carry(self, batch_size: int) -> tuple[()]:
        """Nothing: there is no memory."""
        return ()

    @nn.compact
    def __call__(self, carry: tuple[()], x: Array, reset: Array):
        """Maps x [T, B, features_in] to y [T, B, H]; `reset` changes nothing."""
        dense = Dense(self.features, dtype=self.config.dtype, name="dense")
        nn.share_scope(self, dense)
        return carry, jax.nn.gelu(dense(x))


class MLP(Stack):
    """Dense layers behind the core interface (`s5rl.cores.Core`)."""

    config: MLPConfig = MLPConfig()
