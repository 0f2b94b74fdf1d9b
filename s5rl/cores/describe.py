"""What a core costs, counted from its shapes."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from s5rl.config import CORES


@dataclass(frozen=True)
class Description:
    """A core in numbers. `cost` is beside its dense layers, which its parameters count:
    a step takes about one multiply-add of each.
    """

    name: str
    summary: str  # what it is, and whose
    kind: str  # what its memory is
    state_floats: int  # of a lane's memory; a complex number counts twice, a flag once
    parameters: int
    cost: str  # of a step a layer; and how deep T steps are


def describe(core: Any, features_in: int | None = None) -> Description:
    """Describes a core that `s5rl.make_core` made.

    Args:
      core: a `s5rl.cores.stack.Stack`.
      features_in: the width of its inputs; its own where None.
    """
    (name,) = [n for n, row in CORES.items() if row.config is type(core.config)]
    row = CORES[name]
    carry = jax.eval_shape(lambda: core.initial_carry(1))
    x = jax.ShapeDtypeStruct((1, 1, features_in or core.features), jnp.float32)
    reset = jax.ShapeDtypeStruct((1, 1), jnp.bool_)
    variables = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)
    floats = sum(
        leaf.size * (1 + jnp.issubdtype(leaf.dtype, jnp.complexfloating))
        for leaf in jax.tree.leaves(carry)
    )
    parameters = sum(
        np.prod(leaf.shape, dtype=int) for leaf in jax.tree.leaves(variables)
    )
    return Description(name, row.summary, row.kind, floats, int(parameters), row.cost)
