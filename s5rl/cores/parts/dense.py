"""Products with a matrix of parameters, by rows."""

from typing import Any

import flax.linen as nn
from jax import Array, lax


def by_rows(x: Array, matrix: Array, _dimensions: Any, **options: Any) -> Array:
    """`lax.dot_general` as Dense layers call it: x [..., H], matrix [H, F].

    All axes in front are one axis of rows. The gradient of a matrix sums over them, and
    XLA's products for CPUs sum faster over one axis than over T and B apart
    (docs/performance.md).
    """
    y = lax.dot_general(
        x.reshape(-1, x.shape[-1]), matrix, (((1,), (0,)), ((), ())), **options
    )
    return y.reshape(*x.shape[:-1], matrix.shape[-1])


class Dense(nn.Dense):
    """`flax.linen.Dense`, by rows."""

    dot_general: Any = by_rows
