"""What varies over the devices of a mesh, inside `jax.shard_map`."""

from functools import reduce

import jax.numpy as jnp
from jax import Array


def vary_alike(*arrays: Array) -> list[Array]:
    """Makes each vary over every axis that any of them does.

    Arithmetic does that to its operands, and sums over those axes where it is
    transposed; a derivative of our own, and a loop's carry, have to be asked for alike.
    A selection that never selects is arithmetic enough, and XLA drops it.
    """
    never = reduce(jnp.logical_or, (jnp.zeros_like(x, bool, shape=()) for x in arrays))
    return [jnp.where(never, jnp.zeros((), x.dtype), x) for x in arrays]
