"""Keys and queries that turn with time, so that products tell differences of times."""

import jax.numpy as jnp
import numpy as np
from jax import Array


def turned(x: Array, time: Array) -> Array:
    """x [..., d], whose halves are real and imaginary parts, turned with time.

    By 10,000^(-2 j / d) radians a step for the j-th pair (Su et al., 2021).

    Args:
      x: [..., d] float32, d even.
      time: [..., 1] float32, of as many axes.
    """
    half = x.shape[-1] // 2
    rate = jnp.asarray(10_000.0 ** (-np.arange(half) / half), jnp.float32)
    angle = time * rate.reshape(*(1,) * (x.ndim - 1), half)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    real, imaginary = x[..., :half], x[..., half:]
    return jnp.concatenate(
        [real * cos - imaginary * sin, real * sin + imaginary * cos], axis=-1
    )
