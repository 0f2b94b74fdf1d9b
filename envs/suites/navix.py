"""Navix as `navix/<id>`: MiniGrid's tasks, played as MiniGrid plays them.

Observation, chosen by `observation`:

| name | what is seen | shape |
|---|---|---|
| symbolic | the whole grid: entity, colour, state of each cell | [H, W, 3] uint8 |
| symbolic_first_person | what lies ahead, in the same code | [7, 7, 3] uint8 |
| rgb | a picture of the whole grid | [8 H, 8 W, 3] uint8 |
| rgb_first_person | a picture of what lies ahead | [56, 56, 3] uint8 |

GoToDoor asks for a door of one colour and the suite shows it nowhere, so there the
observation is a dict of that (`image`) and of the colour (`mission`, one of 6).

Reward: 1 on success, else 0; `penality_coeff` (the suite's spelling; 0.9 in MiniGrid)
takes off that much times the part of the time that was used. Parameters: `observation`,
`penality_coeff`, `max_steps_in_episode` (100, the suite's).

A goal reached in the very last step is both terminated and truncated. A step's chance
comes from the state, so `step` does not use its key. The suite's `categorical`
observations are left out: they say less than `symbolic`, in codes that begin at -1. So
is KeyCorridor: up to 0.7.4 its target is a ball where the suite looks for a goal, so
that its reward cannot be had.
"""

from importlib import import_module
from typing import Any

import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces
from gymnax.environments.environment import EnvParams
from jax import Array

from envs.config import SuiteConfig
from envs.suites import options
from envs.suites.adapter import Adapter

OBSERVATIONS = ("symbolic", "symbolic_first_person", "rgb", "rgb_first_person")
COLOURS = 6
# Categories, less one, of a cell's three channels: entities (navix.entities.EntityIds),
# colours, and directions (of the agent; doors have 3 states).
CELL = (10, COLOURS - 1, 3)


class Navix(Adapter):
    """One environment of the suite, in gymnax's contract."""

    def __init__(
        self,
        bare: Any,
        name: str,
        default_params: EnvParams,
        *,
        drawn: bool,
        has_mission: bool,
    ):
        super().__init__(bare, name, default_params)
        self.drawn = drawn
        self.has_mission = has_mission

    def begin(self, key: Array, params: EnvParams) -> tuple[Any, Any]:
        return self._told(self.bare.reset(key))

    def advance(self, key: Array, inner: Any, action: Any, params: EnvParams) -> tuple:
        # The limit is also in the reward, so the suite has to know the one that counts.
        env = self.bare.replace(max_steps=params.max_steps_in_episode)
        # Its `step` resets when an episode is over, before the next; `_step` does not.
        timestep = env._step(inner, jnp.asarray(action, jnp.int32))
        obs, inner = self._told(timestep)
        terminated, cut = timestep.is_termination(), timestep.is_truncation()
        return obs, inner, timestep.reward, terminated, cut

    def _told(self, timestep: Any) -> tuple[Any, Any]:
        obs = timestep.observation
        if self.has_mission:
            mission = jnp.asarray(timestep.state.mission.colour, jnp.int32)
            obs = {"image": obs, "mission": mission}
        # Not kept with every environment: the observation, and the cache of drawings
        # (192 bytes a cell) where nothing is drawn.
        timestep = timestep.replace(observation=None)
        if not self.drawn:
            timestep = timestep.replace(state=timestep.state.replace(cache=None))
        return obs, timestep

    def action_space(self, params: EnvParams) -> spaces.Discrete:
        return spaces.Discrete(len(self.bare.action_set))

    def observation_space(self, params: EnvParams) -> spaces.Space:
        shape = self.bare.observation_space.shape
        high: Any = (
            255 if self.drawn else np.broadcast_to(np.array(CELL, np.uint8), shape)
        )
        image = spaces.Box(0, high, shape, jnp.uint8)
        if not self.has_mission:
            return image
        return spaces.Dict({"image": image, "mission": spaces.Discrete(COLOURS)})


def make(config: SuiteConfig) -> tuple[Navix, EnvParams]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that is not known or cannot work.
    """
    navix = import_module("navix")
    chosen = options.choose(
        config,
        {
            "max_steps_in_episode": None,
            "observation": "symbolic",
            "penality_coeff": 0.0,
        },
    )
    seen = chosen["observation"]
    options.one_of(config, "observation", seen, OBSERVATIONS)
    env = navix.make(
        config.id,
        observation_fn=getattr(navix.observations, seen),
        penality_coeff=chosen["penality_coeff"],
    )
    params = EnvParams(chosen["max_steps_in_episode"] or env.max_steps)
    adapter = Navix(
        env,
        config.id,
        params,
        drawn=seen.startswith("rgb"),
        has_mission="GoToDoor" in config.id,
    )
    return adapter, params
