"""What stands around the recurrence in most layers: norms, MLPs, a learned start."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.cores.parts.dense import Dense
from s5rl.recurrence.rounding import rounded


def norm(x: Array, name: str = "norm") -> Array:
    """LayerNorm over features, of one step alone, inside a compact module.

    Statistics in float32, whatever the layers compute in. Over time or over lanes they
    would leak, and differ between acting and learning.
    """
    return rounded(nn.LayerNorm(name=name)(x.astype(jnp.float32)), x.dtype)


def rms_norm(x: Array, name: str = "norm") -> Array:
    """As `norm`, by the root mean square alone (Zhang & Sennrich, 2019)."""
    return rounded(nn.RMSNorm(name=name)(x.astype(jnp.float32)), x.dtype)


class GatedMLP(nn.Module):
    """down(gelu(up x) * value x), `expansion` times as wide inside (Shazeer, 2020)."""

    features: int
    expansion: float
    dtype: Any = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Maps x [..., H] to [..., features]."""
        width = round(self.expansion * self.features)
        gate = Dense(width, dtype=self.dtype, name="gate")(x)
        value = Dense(width, dtype=self.dtype, name="value")(x)
        down = Dense(self.features, dtype=self.dtype, name="down")
        return down(jax.nn.gelu(gate) * value)


def initial_state(
    module: nn.Module, config: Any, shape: tuple[int, ...], dtype: Any = jnp.float32
) -> Array | None:
    """The learned state that opens every segment, or None where it is not learned.

    Zeros at first. A parameter "initial_state" of the module that is being called;
    [2, ...], real and imaginary part, for complex states.
    """
    if not config.learned_initial_state:
        return None
    zeros = nn.initializers.zeros_init()
    if not jnp.issubdtype(dtype, jnp.complexfloating):
        return module.param("initial_state", zeros, shape, jnp.float32)
    parts = module.param("initial_state", zeros, (2, *shape), jnp.float32)
    return jax.lax.complex(parts[0], parts[1])
