"""Brax as `brax/<id>`: rigid bodies that learn to move, such as `brax/ant`.

Observation: positions and velocities, [D] float32 (see each environment's own text).
Action: [A] in [-1, 1], also where the suite's joints take more or less. Terminated: the
body fell or left its range, for those that can. Truncated: after 1,000 steps.

Parameters: `max_steps_in_episode`; `action_repeat`; and what the suite's constructor
takes: `backend` (generalized, spring, positional or mjx), `n_frames` (steps of physics
in a step; 0: the environment's own), and its weights and ranges, as in
`healthy_z_range=[0.2,1.0]`.

Not here: `swimmer`, whose fluid calls what JAX has no more (`clip`'s `a_min`), and
`fast`, which is for Brax's own tests. Nothing else is lost but the suite's `metrics`,
which are no part of gymnax's contract.
"""

import inspect
from importlib import import_module
from typing import Any

from envs.config import SuiteConfig
from envs.suites import options
from envs.suites.physics import EnvParams, Physics, build

BACKENDS = ("generalized", "spring", "positional", "mjx")
EPISODE_LENGTH = 1000  # what brax.envs.create and the suite's trainers use


def make(config: SuiteConfig) -> tuple[Physics, EnvParams]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that the environment does not have, or a value of
        another type than its default.
    """
    constructor: Any = import_module("brax.envs")._envs[config.id]
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(constructor).parameters.items()
        if parameter.kind is not parameter.VAR_KEYWORD
    }
    ours = {"max_steps_in_episode": None, "action_repeat": 1, "n_frames": 0}
    chosen = options.choose(config, defaults | ours)
    options.one_of(config, "backend", chosen["backend"], BACKENDS)
    arguments = {name: chosen[name] for name in defaults}
    if chosen["n_frames"]:  # else it follows from the backend
        arguments["n_frames"] = chosen["n_frames"]
    return build(constructor(**arguments), config.name, chosen, EPISODE_LENGTH)
