"""What a return is measured against, and helpers to say it. Free of JAX.

A level is a function of an environment's parameters: it stands beside the environment,
as `levels(config) -> Levels`, in a module that needs no JAX, and `envs.table` names
it. Where parameters change a level in a way that nobody has worked out, it is None.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, NamedTuple


class Levels(NamedTuple):
    """Mean returns of an episode; None where not known with these parameters."""

    chance: float | None = None  # of uniformly random actions
    best: float | None = None  # the highest there is


def changed(params: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that have another value than usual, or no usual one."""
    return {
        name: value
        for name, value in params.items()
        if name not in usual or usual[name] != value
    }


# (limit, mean steps until it): 400,000 episodes of random play, each +- 0.02.
_POLE = (
    *((8, 8.0), (10, 9.98), (12, 11.83), (14, 13.46), (16, 14.85), (18, 16.02)),
    *((20, 17.0), (22, 17.82), (25, 18.82), (28, 19.58), (32, 20.34), (36, 20.89)),
    *((40, 21.27), (45, 21.6), (50, 21.82), (60, 22.06), (80, 22.21), (150, 22.24)),
)


def pole_steps(limit: float) -> float:
    """Mean steps that random play keeps the pole of CartPole up, cut at a limit."""
    limits = [at for at, _ in _POLE]
    if limit <= limits[0]:
        return float(limit)
    if limit >= limits[-1]:
        return _POLE[-1][1]
    after = bisect_left(limits, limit)
    (low, fewer), (high, more) = _POLE[after - 1 : after + 1]
    return fewer + (more - fewer) * (limit - low) / (high - low)
