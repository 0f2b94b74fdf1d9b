"""Every environment of gymnax as `gymnax/<id>`, such as `gymnax/CartPole-v1`.

A parameter given by name goes to the constructor if it takes it there (what shapes
arrays: `num_bits`, `size` ...), else to the environment's parameters.
"""

import dataclasses
import inspect
from typing import Any

import gymnax
from gymnax import registration

from envs.arguments import check_type
from envs.config import GymnaxConfig
from envs.naming import unknown


def make(config: GymnaxConfig) -> tuple[Any, Any]:
    """Builds the environment and its parameters.

    Raises:
      ValueError: if neither constructor nor parameters know a name, or a value's type
        is not that of the default it replaces.
    """
    factory = registration._builtins[config.id]
    constructor = {
        name: parameter.default
        for name, parameter in inspect.signature(factory).parameters.items()
    }
    chosen = {k: v for k, v in config.params.items() if k in constructor}
    rest = {k: v for k, v in config.params.items() if k not in constructor}
    _check_types(config.id, chosen, constructor)
    env, params = gymnax.make(config.id, **chosen)
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
