"""An environment of one's own: `env=custom env.entry_point=my_module:MyEnv`.

`entry_point` names a class of environments in the gymnax 1.x contract, or a function
that returns `(env, params)` as `gymnax.make` does. Modules are also looked for in the
directory that the command was started in. Every other parameter goes to the class or
function if it takes one of that name, else to the environment's own params.
"""

import dataclasses
import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envs.arguments import check_type
from envs.config import CustomConfig
from envs.contract.blame import Refusal, told
from envs.naming import unknown


def make(config: CustomConfig) -> tuple[Any, Any]:
    """Builds the environment and its params.

    Raises:
      ValueError: if the module or the name in it is not there, a parameter is not
        known, what was built has no params, or the module's own code fails (with the
        place, and its error as the cause).
    """
    params = dict(config.params)
    entry_point = params.pop("entry_point")
    factory = _find(entry_point)
    accepted = _accepted(factory)
    anything = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    chosen = {k: v for k, v in params.items() if anything or k in accepted}
    rest = {k: v for k, v in params.items() if k not in chosen}
    with told(f"entry_point={entry_point}"):
        env, env_params = _params_of(factory(**chosen))
    if env_params is None:
        raise ValueError(
            f"entry_point={entry_point} must give an environment with default_params, "
            f"or a pair (env, params); it gave {type(env).__name__}."
        )
    return env, _replace(env_params, rest, entry_point, list(accepted))


def _accepted(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(factory).parameters)
    except ValueError:  # of a class written in C
        return {}


def _params_of(built: Any) -> tuple[Any, Any]:
    """`(env, params)`, with None for params that are not there."""
    if isinstance(built, tuple) and len(built) == 2:
        return built[0], built[1]
    # Not by getattr's default: an AttributeError inside a property is the user's own.
    there = inspect.getattr_static(built, "default_params", None) is not None
    return built, getattr(built, "default_params") if there else None  # noqa: B009


def _find(entry_point: str) -> Callable[..., Any]:
    module_name, _, name = entry_point.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    with told(f"entry_point={entry_point}"):
        module = _import(module_name, entry_point)
    if not hasattr(module, name):
        known = [n for n, v in vars(module).items() if callable(v) and n[0] != "_"]
        raise ValueError(unknown(f"{module_name} has no", name, known))
    factory = getattr(module, name)
    if not callable(factory):
        raise ValueError(
            f"entry_point={entry_point} must be a class or a function; it is a "
            f"{type(factory).__name__}."
        )
    return factory


def _import(module_name: str, entry_point: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that it imports in turn may be missing: that has a place.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise Refusal(
            f"entry_point={entry_point}: there is no module {error.name!r}, neither "
            "installed nor in the current directory."
        ) from error


def _replace(env_params: Any, rest: dict[str, Any], entry_point: str, accepted) -> Any:
    if not rest:
        return env_params
    is_struct = dataclasses.is_dataclass(env_params)
    fields = [f.name for f in dataclasses.fields(env_params)] if is_struct else []
    for name in rest:
        if name not in fields:
            known = [*accepted, *fields]
            raise ValueError(unknown(f"{entry_point} has no parameter", name, known))
        default = getattr(env_params, name)
        if isinstance(default, bool | int | float):
            check_type(entry_point, name, rest[name], default)
    with told(f"entry_point={entry_point}"):
        return dataclasses.replace(env_params, **rest)
