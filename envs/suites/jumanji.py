"""Jumanji as `jumanji/<id>`: puzzles, packing and routing, such as `jumanji/Snake-v1`.

Observation: a dict of the suite's fields, nested where those are. Truth values are
float32. Integers keep their dtype and are counted from their field's lowest value, so
that an empty cell, -1 in the suite, is 0 and `high` + 1 is the number of categories;
those that the suite gives no bounds for are quantities, and float32. `action_mask` is
one of the fields: agents here see which actions are legal and may still choose others,
which ends the episode or changes nothing, as the game has it.

Action: Discrete. One of several parts is row-major, the last part varies fastest:
`jnp.unravel_index` of it is the suite's.

Terminated and truncated: the suite ends an episode that ran out of time like one that
was lost, with discount 0. So its clock is put off, `max_steps_in_episode` (its limit by
default) counts instead, and only truncates. Games without a limit end by themselves,
except 2048 when every move changes nothing: their limit is 10,000.

Parameters: `max_steps_in_episode`, and those of the suite's constructors that are
numbers (`num_rows`, `board_size` ...).

Not here: games for several agents; JobShop, whose 21^10 joint actions no head can hold;
Sokoban, which downloads its levels. Nothing else is lost but the suite's `extras`,
which are no part of gymnax's contract.
"""

import inspect
import math
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import jax.numpy as jnp
import numpy as np
from gymnax.environments import environment, spaces
from jax import Array

from envs.config import SuiteConfig
from envs.suites import options
from envs.suites.adapter import Adapter

EnvParams = environment.EnvParams
NEVER = 2**31 - 1
NO_LIMIT = 10_000  # steps, where the suite has no limit


class Jumanji(Adapter):
    """A game in gymnax's contract."""

    def __init__(self, bare: Any, name: str, default_params: EnvParams):
        """`bare` is the suite's environment, its clock put off."""
        super().__init__(bare, name, default_params)
        self._sizes = tuple(np.ravel(bare.action_spec.num_values).tolist())
        self._fields = _fields(bare.observation_spec) | _amended(bare)

    def begin(self, key: Array, params: EnvParams) -> tuple[Any, Any]:
        state, timestep = self.bare.reset(key)
        return _convert(self._fields, timestep.observation), state

    def advance(
        self, key: Array, inner: Any, action: Array, params: EnvParams
    ) -> tuple[Any, Any, Array, Array, Array]:
        state, timestep = self.bare.step(inner, self.parts(action))
        last = timestep.last()
        terminated = last & (timestep.discount == 0)
        obs = _convert(self._fields, timestep.observation)
        return obs, state, timestep.reward, terminated, last & ~terminated

    def parts(self, action: Array) -> Array:
        """The suite's action, [] or [parts], for one of `action_space`."""
        spec = self.bare.action_spec
        if not spec.shape:
            return jnp.asarray(action, spec.dtype)
        return jnp.stack(jnp.unravel_index(action, self._sizes)).astype(spec.dtype)

    def observation_space(self, params: EnvParams) -> spaces.Dict:
        """A Dict of the fields, as the module describes them."""
        space = _space(self._fields)
        if "step_count" in space.spaces and hasattr(self.bare, "time_limit"):
            limit = params.max_steps_in_episode  # the suite's clock was put off
            space.spaces["step_count"] = spaces.Box(0, limit, (), jnp.int32)
        return space

    def action_space(self, params: EnvParams) -> spaces.Discrete:
        """Discrete, over all combinations of an action's parts."""
        return spaces.Discrete(math.prod(self._sizes))


def make(config: SuiteConfig) -> tuple[Jumanji, EnvParams]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: for a parameter that the environment does not have, or a value of
        another type than its default.
    """
    jumanji: Any = import_module("jumanji")
    registered = jumanji.registration._REGISTRY[config.id]
    constructor = jumanji.registration.load(registered.entry_point)
    signature = inspect.signature(constructor).parameters
    defaults = {
        name: parameter.default
        for name, parameter in signature.items()
        if isinstance(parameter.default, int | float) and name != "time_limit"
    }
    chosen = options.choose(config, defaults | {"max_steps_in_episode": None})
    arguments = {name: chosen[name] for name in defaults}
    bare = jumanji.make(config.id, **arguments)
    limit = chosen["max_steps_in_episode"] or getattr(bare, "time_limit", NO_LIMIT)
    if "time_limit" in signature:
        bare = jumanji.make(config.id, **arguments, time_limit=NEVER)
    env = Jumanji(bare, config.name, EnvParams(max_steps_in_episode=limit))
    return env, env.default_params


@dataclass(frozen=True)
class _Field:
    """One array of an observation."""

    space: spaces.Box | spaces.Discrete
    lowest: Any  # of the suite's values; what is counted from

    def convert(self, x: Array) -> Array:
        return jnp.asarray(x, self.space.dtype) - self.lowest


def _fields(spec: Any) -> Any:
    """A nest of dicts of `_Field` for the suite's nest of specs."""
    specs: Any = import_module("jumanji.specs")
    if not isinstance(spec, specs.Array):
        children = {k: v for k, v in vars(spec).items() if isinstance(v, specs.Spec)}
        return {name: _fields(child) for name, child in children.items()}
    if isinstance(spec, specs.DiscreteArray):
        return _Field(spaces.Discrete(spec.num_values), 0)
    if spec.dtype == jnp.bool_:
        return _Field(spaces.Box(0.0, 1.0, spec.shape, jnp.float32), 0)
    bounded = isinstance(spec, specs.BoundedArray)
    if bounded and jnp.issubdtype(spec.dtype, jnp.integer):
        return _count(spec, _bound(spec.minimum), _bound(spec.maximum))
    low, high = (spec.minimum, spec.maximum) if bounded else (-jnp.inf, jnp.inf)
    box = spaces.Box(_bound(low), _bound(high), spec.shape, jnp.float32)
    return _Field(box, 0)


def _amended(bare: Any) -> dict[str, _Field]:
    """Fields whose specs leave open what the rules say, or say what is not so."""
    environments: Any = import_module("jumanji.environments")
    spec = bare.observation_spec
    if isinstance(bare, environments.Game2048):
        # Exponents. The last cell of n by n can become a 4 when the others hold
        # 2^(n^2 + 1), ..., 2^3.
        return {"board": _count(spec.board, 0, bare.board_size**2 + 1)}
    if isinstance(bare, environments.TSP):
        # Before the first city the position is -1, which is not in the suite's spec.
        return {"position": _Field(spaces.Discrete(spec.position.num_values + 1), -1)}
    if isinstance(bare, environments.Maze):
        return {"step_count": _count(spec.step_count, 0, bare.time_limit)}
    return {}


def _count(spec: Any, lowest: Any, highest: Any) -> _Field:
    return _Field(spaces.Box(0, highest - lowest, spec.shape, spec.dtype), lowest)


def _bound(x: Any) -> Any:
    """One number, or an array where bounds differ between entries."""
    x = np.asarray(x)
    return x if x.ndim else x.item()


def _convert(fields: Any, observation: Any) -> Any:
    if isinstance(fields, _Field):
        return fields.convert(observation)
    return {k: _convert(v, getattr(observation, k)) for k, v in fields.items()}


def _space(fields: Any) -> Any:
    if isinstance(fields, _Field):
        return fields.space
    return spaces.Dict({name: _space(child) for name, child in fields.items()})
