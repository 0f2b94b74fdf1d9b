"""Craftax as `craftax/<id>`: gather, craft, survive; in the world of Crafter (Classic)
or in nine levels of it.

Observation: Symbolic is [1345] (Classic) or [8268] float32, one-hots of the map around
the player and then the inventory and the player's health, light and the like; Pixels is
a picture, [63, 63, 3] (Classic) or [130, 110, 3] float32. The suite declares all of it
to lie in [0, 1]; in the full game only map and pictures do, for there enchantments
count to 2 and attributes raise food and mana above 1.

Reward: 1 for each achievement's first time in an episode (in the full game 1, 3, 5 or
8), 0.1 for each point of health won or lost. `info["achievements"]`, [22] or [67] bool,
has what this episode achieved up to and with this step.

Parameters: `max_steps_in_episode` (the suite's max_timesteps: 10,000, in the full game
100,000), what else is in its EnvParams, and of its StaticEnvParams, which shape arrays,
the most mobs of each kind; worlds can only be made in the suite's own size.

The suite has one flag for death, victory and the end of time; here time that has run
out is truncation, and all else is termination. A step that dies at the limit is both.
Compiling takes about a minute on a CPU, and importing the suite as long, once, for it
prepares its textures.
"""

import dataclasses
import math
from importlib import import_module
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.config import SuiteConfig
from envs.suites import options
from envs.suites.adapter import Adapter


@struct.dataclass
class Params(environment.EnvParams):
    """What `step` and `reset` are told."""

    suite: Any = None  # craftax's EnvParams; its max_timesteps is not read


class Craftax(Adapter):
    """One environment of the suite, in gymnax's contract."""

    def __init__(
        self, bare: Any, name: str, default_params: Params, *, bounded: int | None
    ):
        super().__init__(bare, name, default_params)
        self.bounded = bounded  # so many entries lie in [0, 1]; None: all of them

    def begin(self, key: Array, params: Params) -> tuple[Array, Any]:
        obs, inner = self.bare.reset(key, params.suite)
        return obs, inner

    def advance(self, key: Array, inner: Any, action: Any, params: Params) -> tuple:
        # With a limit that is never reached, over means dead or victorious.
        timeless = params.suite.replace(max_timesteps=jnp.iinfo(jnp.int32).max)
        action = jnp.asarray(action, jnp.int32)
        obs, inner, reward, over, _ = self.bare.step(key, inner, action, timeless)
        return obs, inner, reward, over, jnp.zeros((), bool)

    def step_env(self, key, state, action, params):
        obs, state, reward, terminated, info = super().step_env(
            key, state, action, params
        )
        info = {**info, "achievements": state.inner.achievements}
        return obs, state, reward, terminated, info

    def action_space(self, params: Params) -> spaces.Discrete:
        return spaces.Discrete(self.bare.num_actions)

    def observation_space(self, params: Params) -> spaces.Box:
        shape = self.bare.observation_space(params.suite).shape
        if self.bounded is None:
            return spaces.Box(0.0, 1.0, shape, jnp.float32)
        in_map = np.arange(shape[0]) < self.bounded
        high: Any = np.where(in_map, 1.0, np.inf).astype(np.float32)
        return spaces.Box(0.0, high, shape, jnp.float32)


def make(config: SuiteConfig) -> tuple[Craftax, Params]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that is not known or cannot work.
    """
    craftax_env = import_module("craftax.craftax_env")
    env = craftax_env.make_craftax_env_from_name(config.id, auto_reset=False)
    of_play = _fields(env.default_params, but=("max_timesteps", "fractal_noise_angles"))
    of_shape = _fields(env.default_static_params(), but=("num_levels", "map_size"))
    limit = env.default_params.max_timesteps
    chosen = options.choose(
        config, {"max_steps_in_episode": limit, **of_play, **of_shape}
    )
    shape = {name: chosen[name] for name in of_shape}
    if shape != of_shape:
        env = type(env)(env.default_static_params().replace(**shape))
    suite = env.default_params.replace(**{name: chosen[name] for name in of_play})
    params = Params(chosen["max_steps_in_episode"], suite)
    bounded = _bounded_entries(config.id)
    return Craftax(env, config.id, params, bounded=bounded), params


def _fields(params: Any, but: tuple[str, ...]) -> dict[str, Any]:
    names = (field.name for field in dataclasses.fields(params))
    return {name: getattr(params, name) for name in names if name not in but}


def _bounded_entries(name: str) -> int | None:
    """How many of an observation's entries, at its front, lie in [0, 1]; None: all."""
    if name != "Craftax-Symbolic-v1":
        return None
    module = import_module("craftax.craftax.envs.craftax_symbolic_env")
    return math.prod(module.get_map_obs_shape())
