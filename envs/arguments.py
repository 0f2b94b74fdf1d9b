"""An environment from its class and named values, which may belong to either."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from envs import values
from envs.fields import shown
from envs.naming import unknown


def build(name: str, env_class: Any, given: Mapping[str, Any]) -> tuple[Any, Any]:
    """Builds `(env, env_params)`.

    Args:
      name: the environment's, for messages.
      env_class: the class; its constructor's arguments all have defaults.
      given: arguments of the constructor and fields of the default params, mixed.

    Raises:
      ValueError: for a name that neither has, with the nearest one that exists, and for
        a value of another type than the default's.
    """
    arguments = inspect.signature(env_class).parameters
    in_class = {key: argument.default for key, argument in arguments.items()}
    own = env_class().default_params
    in_params = {f.name: getattr(own, f.name) for f in dataclasses.fields(own)}
    for key, value in given.items():
        if key not in in_class and key not in in_params:
            known = sorted({*in_class, *in_params})
            raise ValueError(unknown(f"{name} has no parameter", key, known))
        default = in_class.get(key, in_params.get(key))
        if isinstance(default, bool | int | float | str):
            check_type(name, key, value, default)
            if key in in_class and type(value) is int:  # what shapes arrays
                values.check_size(f"{name}: {key}", value)
    env = env_class(**{k: v for k, v in given.items() if k in in_class})
    fields = {k: v for k, v in given.items() if k in in_params}
    return env, env.default_params.replace(**fields)


def check_type(env_name: str, name: str, value: Any, default: Any) -> None:
    """Refuses a value of another type than the default that it replaces.

    An integer may stand for a float; a number must fit in 32 bits.

    Raises:
      ValueError: naming both.
    """
    wanted = type(default)
    number = wanted is float and type(value) is int
    if type(value) is not wanted and not number:
        raise ValueError(
            f"{env_name}: {name} must be {wanted.__name__}; got {shown(value)}."
        )
    if wanted in (int, float):
        as_float = number and value.bit_length() < 1000
        values.check_number(f"{env_name}: {name}", float(value) if as_float else value)
