"""Where 16 bits are rounded to: at places that acting and replaying have in common.

XLA leaves out a rounding between two operations where that is quicker
(`xla_allow_excess_precision`), and not in the same places in a program of one step and
in one of a thousand: policies of the two then differ by a rounding or two per layer.
What is rounded here is rounded in every program.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def rounded(x: Array, dtype: Any) -> Array:
    """`x` in `dtype`, rounded whatever stands before and behind it."""
    if jnp.dtype(dtype) != jnp.bfloat16:
        return x.astype(dtype)
    x = x.astype(jnp.float32)
    return jax.lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7).astype(dtype)


def product(x: Array, matrix: Array, dtype: Any) -> Array:
    """x @ matrix, all three rounded to `dtype`; float32.

    A product of 16 bits, in gradients too: a float32 one of rounded inputs would have
    products of float32 for its gradient.
    """
    y = rounded(x, dtype) @ rounded(matrix, dtype)
    return rounded(y, dtype).astype(jnp.float32)


def by_rows(x: Array, matrix: Array, dtype: Any) -> Array:
    """`product` of x [..., H] and matrix [H, F].

    All axes in front are one axis of rows. The gradient of a matrix sums over them, and
    XLA's products for CPUs sum faster over one axis than over T and B apart
    (docs/performance.md).
    """
    y = product(x.reshape(-1, x.shape[-1]), matrix, dtype)
    return y.reshape(*x.shape[:-1], matrix.shape[-1])
