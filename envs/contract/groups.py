"""Groups of lanes: which of several environments in one a lane plays.

An environment that is several, of which a task chooses one (`envs.meta.bodies`), says:

    num_groups                      how many there are
    group(state, params) -> []      int32, the one that a state is of

For statistics of a learner, which one group's large rewards must not rule. It is
privileged: no observation shows it, and nothing that acts may be told.
"""

from typing import Any

import jax
from jax import Array


def count(env: Any) -> int:
    """How many groups there are; 1 of an environment that has none."""
    return getattr(env, "num_groups", 1)


def of(env: Any, states: Any, params: Any) -> Array:
    """[B] int32, of states [B, ...]. Only of an environment with several groups."""
    return jax.vmap(env.group, (0, None))(states, params)
