"""What a core costs, and the list of them all: `python -m s5rl.cores.describe`."""

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


def table(features: int = 128) -> str:
    """Every core, one layer (or one pattern) of width `features`, in Markdown."""
    from s5rl.cores import make_core

    lines = [
        f"| `core=` | what it is | memory | state floats, H = {features} | parameters "
        "| a step; T steps |",
        "|---|---|---|---|---|---|",
    ]
    for name in CORES:
        found = describe(make_core(name, features=features, num_layers=1))
        lines.append(
            f"| `{name}` | {found.summary} | {found.kind} | {found.state_floats:,} "
            f"| {found.parameters:,} | {found.cost} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
