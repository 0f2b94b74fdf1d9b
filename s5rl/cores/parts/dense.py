"""Products with a matrix of parameters, by rows, and in 16 bits if wanted."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.rounding import by_rows, rounded


class Dense(nn.Module):
    """`flax.linen.Dense`, by rows, and its bias learns from a sum in float32.

    flax casts the bias and then spreads it over steps and lanes, so that its gradient
    is summed in `dtype`: bfloat16 does not count beyond 256, and of 65,536 ones that
    sum is 32,768. Here it is added in float32, and their sum rounded once.
    """

    features: int
    use_bias: bool = True
    dtype: Any = jnp.float32  # of the product; parameters are float32
    kernel_init: Any = nn.initializers.lecun_normal()
    bias_init: Any = nn.initializers.zeros_init()

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Maps x [..., H] to [..., features] of `dtype`."""
        shape = (x.shape[-1], self.features)
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        y = by_rows(x, kernel, self.dtype)
        if self.use_bias:
            bias = self.param("bias", self.bias_init, shape[1:], jnp.float32)
            y = y + jnp.broadcast_to(bias, y.shape)
        return rounded(y, self.dtype)


def spread(parameter: Array, like: Array) -> Array:
    """A parameter [H] as `like` [..., H] is, in shape and dtype; see `Dense`."""
    return jnp.broadcast_to(parameter, like.shape).astype(like.dtype)
