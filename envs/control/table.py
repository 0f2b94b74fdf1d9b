"""Every body and task: class, arguments, chance return, what it measures.

Chance is the mean return of 1,000 episodes of uniformly random actions:

    python benchmarks/chance.py --episodes 1000 --env control/cartpole_balance ...

A reward is at most 1 and an episode has 1,000 steps, so no return exceeds 1,000. Free
of JAX, so that a command line can list the names.
"""

from importlib import import_module
from typing import Any, NamedTuple

STEPS = 1000  # of an episode


class Entry(NamedTuple):
    """One task."""

    path: str  # "module:class" in this package
    arguments: dict[str, Any]  # of the constructor and of the params, as `make` takes
    chance: float  # mean return of uniformly random actions
    measures: str  # in a line

    @property
    def env_class(self) -> Any:
        """The environment's class, imported when it is asked for."""
        module, name = self.path.split(":")
        return getattr(import_module(f"envs.control.{module}"), name)


_CARTPOLE, _ACROBOT = "cartpole:Cartpole", "acrobot:Acrobot"
_POINT_MASS, _REACHER = "point_mass:PointMass", "reacher:Reacher"

TABLE: dict[str, Entry] = {
    "cartpole_balance": Entry(
        _CARTPOLE,
        {"swing_up": False},
        356.3,
        "keep a pole up on a cart",
    ),
    "cartpole_balance_sparse": Entry(
        _CARTPOLE,
        {"swing_up": False, "sparse": True},
        48.4,
        "keep a pole up on a cart, all or nothing",
    ),
    "cartpole_swingup": Entry(
        _CARTPOLE,
        {"swing_up": True},
        25.0,
        "swing a pole up on a cart and keep it there",
    ),
    "cartpole_swingup_sparse": Entry(
        _CARTPOLE,
        {"swing_up": True, "sparse": True},
        0.0,
        "find that a pole can be swung up",
    ),
    "pendulum_swingup": Entry(
        "pendulum:Pendulum",
        {},
        0.69,
        "find that a weak motor can rock a pendulum up",
    ),
    "acrobot_swingup": Entry(
        _ACROBOT,
        {},
        2.78,
        "raise a two-link arm with its elbow's motor alone",
    ),
    "acrobot_swingup_sparse": Entry(
        _ACROBOT,
        {"sparse": True},
        0.21,
        "find that a two-link arm can be raised",
    ),
    "point_mass_easy": Entry(
        _POINT_MASS,
        {},
        4.97,
        "push a mass to the middle of a table",
    ),
    "point_mass_hard": Entry(
        _POINT_MASS,
        {"random_directions": True},
        3.69,
        "find out which action pushes where",
    ),
    "reacher_easy": Entry(
        _REACHER,
        {"target_size": 0.05},
        55.9,
        "reach a large circle with a two-link arm",
    ),
    "reacher_hard": Entry(
        _REACHER,
        {"target_size": 0.015},
        9.34,
        "reach a small circle with a two-link arm",
    ),
    "mountain_car": Entry(
        "mountain_car:MountainCar",
        {},
        0.0,
        "find that a weak car can rock itself up a hill",
    ),
}
