"""An environment from its class and named values, which may belong to either."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from envs.naming import unknown


def build(name: str, env_class: Any, values: Mapping[str, Any]) -> tuple[Any, Any]:
    """Builds `(env, env_params)`.

    Args:
      name: the environment's, for messages.
      env_class: the class; its constructor's arguments all have defaults.
      values: arguments of the constructor and fields of the default params, mixed.

    Raises:
      ValueError: for a name that neither has, with the nearest one that exists.
    """
    in_class = set(inspect.signature(env_class).parameters)
    in_params = {f.name for f in dataclasses.fields(env_class().default_params)}
    for value in values:
        if value not in in_class | in_params:
            known = sorted(in_class | in_params)
            raise ValueError(unknown(f"{name} has no parameter", value, known))
    env = env_class(**{k: v for k, v in values.items() if k in in_class})
    fields = {k: v for k, v in values.items() if k in in_params}
    return env, env.default_params.replace(**fields)


def check_type(env_name: str, name: str, value: Any, default: Any) -> None:
    """Refuses a value of another type than the default that it replaces.

    An integer may stand for a float.

    Raises:
      ValueError: naming both.
    """
    wanted = type(default)
    number = wanted is float and type(value) is int
    if type(value) is not wanted and not number:
        raise ValueError(
            f"{env_name}: {name} must be {wanted.__name__}; got {value!r}."
        )
