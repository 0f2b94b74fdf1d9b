"""Every environment of gymnax as `gymnax/<id>`, such as `gymnax/CartPole-v1`.

A parameter given by name goes to the constructor if it takes it there (what shapes
arrays: `num_bits`, `size` ...), else to the environment's parameters.

Catch says that it shows integers, and shows floats: here they are integers.
"""

import dataclasses
import inspect
from typing import Any

import jax.numpy as jnp
from gymnax import registration
from gymnax.environments.bsuite import catch

from envs import values
from envs.arguments import check_type
from envs.config import GymnaxConfig
from envs.naming import unknown


class Catch(catch.Catch):
    """gymnax's Catch, observed as its observation space says."""

    def get_obs(self, state, params=None, key=None):
        """[rows, columns] int32: 1 where the ball and the paddle are."""
        return super().get_obs(state, params, key).astype(jnp.int32)


_MENDED = {"Catch-bsuite": Catch}


def make(config: GymnaxConfig) -> tuple[Any, Any]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: if neither constructor nor parameters know a name, or a value's type
        is not that of the default it replaces.
    """
    factory = _MENDED.get(config.id, registration._builtins[config.id])
    constructor = {
        name: parameter.default
        for name, parameter in inspect.signature(factory).parameters.items()
    }
    chosen = {k: v for k, v in config.params.items() if k in constructor}
    rest = {k: v for k, v in config.params.items() if k not in constructor}
    _check_types(config.id, chosen, constructor)
    for name, value in chosen.items():
        if type(value) is int:
            values.check_size(f"{config.name}: {name}", value)
    env: Any = factory(**chosen)
    params = env.default_params
    defaults = {
        field.name: getattr(params, field.name) for field in dataclasses.fields(params)
    }
    for name in rest:
        if name not in defaults:
            known = [*constructor, *defaults]
            raise ValueError(unknown(f"{config.name} has no parameter", name, known))
    _check_types(config.id, rest, defaults)
    return env, params.replace(**rest)


def _check_types(env_id: str, given: dict[str, Any], defaults: dict[str, Any]) -> None:
    for name, value in given.items():
        default = defaults[name]
        # For an array or nothing, what fits is the environment's to say.
        if isinstance(default, bool | int | float):
            check_type(f"gymnax/{env_id}", name, value, default)
