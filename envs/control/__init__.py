"""Continuous control in JAX: bodies with closed-form equations of motion.

The tasks of the DM Control Suite (Tassa et al., 2018) that need no contacts, and a
mountain car: physics, integrator, soft joint limits, start states, observations and
rewards are DM Control's, compared with it step by step. At most 6 observations and 2
actions in [-1, 1]; 1,000 steps, truncated and never terminated; rewards in [0, 1].

`TABLE` maps every name to its `Entry`; `base` says what a body consists of.
"""

import math
from typing import Any

from envs.arguments import build, check_type
from envs.config import ControlConfig
from envs.control.table import TABLE, Entry
from envs.naming import unknown

__all__ = ["TABLE", "Entry", "make"]

# What a body cannot have none of; any other constant may be zero or, as gravity,
# negative.
_POSITIVE = ("mass", "length", "timestep", "time_constant", "max_steps_in_episode")


def make(config: ControlConfig) -> tuple[Any, Any]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for an unknown name or parameter, or a value that cannot work.
    """
    if config.id not in TABLE:
        raise ValueError(unknown("unknown environment", config.id, TABLE))
    entry = TABLE[config.id]
    env, params = build(
        config.name, entry.env_class, {**entry.arguments, **config.params}
    )
    for name, value in config.params.items():
        _check(config.name, name, value, getattr(env.default_params, name, False))
    return env, params


def _check(env_name: str, name: str, value: Any, default: bool | int | float) -> None:
    check_type(env_name, name, value, default)
    if not math.isfinite(value) or (name.endswith(_POSITIVE) and value <= 0):
        kind = "positive" if name.endswith(_POSITIVE) else "finite"
        raise ValueError(f"{env_name}: {name} must be {kind}; got {value!r}.")
