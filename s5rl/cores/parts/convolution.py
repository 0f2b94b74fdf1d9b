"""A short causal convolution over time, whose window ends at a reset."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.segments import positions


def causal_convolution(
    kernel: Array, x: Array, reset: Array, tail: Array
) -> tuple[Array, Array]:
    """y[t] = sum over j < w of kernel[w-1-j] * x[t-j], within t's segment.

    Steps of other segments are deselected, not multiplied by zero: NaN stays where it
    is. What the tail lost by a reset is zero there, so that no count is needed.

    Args:
      kernel: [w, D], the present step's weights last.
      x: [T, B, D].
      reset: [T, B] bool.
      tail: [w-1, B, D] the inputs before x[0], zeros where there were none.

    Returns:
      `(tail, y)`: the tail after x[-1], and y [T, B, D] float32.
    """
    kernel, x = kernel.astype(jnp.float32), x.astype(jnp.float32)
    width, length = len(kernel), len(x)
    whole = jnp.concatenate([tail, x])
    before = jnp.full(reset.shape[1], width - 1, jnp.int32)
    position = positions(reset, before)  # a tail counts as long as it is
    y = jnp.zeros_like(x)
    for back in range(width):
        start = width - 1 - back
        past = whole[start : start + length]
        seen = jnp.where((position >= back)[..., None], past, 0)
        y = y + kernel[width - 1 - back][None, None] * seen
    age = jnp.arange(width - 2, -1, -1, dtype=jnp.int32)[:, None]  # of a tail's rows
    kept = (age <= position[-1][None])[..., None]
    return jnp.where(kept, whole[length:], 0), y


class Convolution(nn.Module):
    """`causal_convolution` of each channel, with a bias, as Mamba and Griffin have it.

    The carry is batch-first, [B, w-1, D] float32.
    """

    width: int
    kernel_init: Any = nn.initializers.variance_scaling(
        1 / 3, "fan_in", "uniform", in_axis=0, out_axis=()
    )

    def initial_carry(self, batch_size: int, channels: int) -> Array:
        """[B, w-1, D] zeros: nothing came before."""
        return jnp.zeros((batch_size, self.width - 1, channels), jnp.float32)

    @nn.compact
    def __call__(self, tail: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, D] to y [T, B, D], in x's dtype."""
        shape = (self.width, x.shape[-1])
        kernel = self.param("kernel", self.kernel_init, shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), shape[1:], jnp.float32)
        tail, y = causal_convolution(kernel, x, reset, jnp.swapaxes(tail, 0, 1))
        return jnp.swapaxes(tail, 0, 1), (y + bias[None, None]).astype(x.dtype)
