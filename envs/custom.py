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

from envs.config import CustomConfig
from envs.naming import unknown


def make(config: CustomConfig) -> tuple[Any, Any]:
    """Builds the environment and its params.

    Raises:
      ValueError: if the module or the name in it is not there, a parameter is not
        known, or what was built has no params.
    """
    params = dict(config.params)
    entry_point = params.pop("entry_point")
    factory = _find(entry_point)
    accepted = inspect.signature(factory).parameters
    anything = any(p.kind is p.VAR_KEYWORD for p in accepted.values())
    chosen = {k: v for k, v in params.items() if anything or k in accepted}
    rest = {k: v for k, v in params.items() if k not in chosen}
    built: Any = factory(**chosen)
    if isinstance(built, tuple) and len(built) == 2:
        env, env_params = built
    else:
        env, env_params = built, getattr(built, "default_params", None)
    if env_params is None:
        raise ValueError(
            f"entry_point={entry_point} must give an environment with default_params, "
            f"or a pair (env, params); it gave {type(built).__name__}."
        )
    return env, _replace(env_params, rest, entry_point, list(accepted))


def _find(entry_point: str) -> Callable[..., Any]:
    module_name, _, name = entry_point.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        # A module that it imports in turn is missing: that is not ours to explain.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ValueError(
            f"entry_point={entry_point}: there is no module {error.name!r}, neither "
            "installed nor in the current directory."
        ) from error
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


def _replace(env_params: Any, rest: dict[str, Any], entry_point: str, accepted) -> Any:
    if not rest:
        return env_params
    is_struct = dataclasses.is_dataclass(env_params)
    fields = [f.name for f in dataclasses.fields(env_params)] if is_struct else []
    for name in rest:
        if name not in fields:
            known = [*accepted, *fields]
            raise ValueError(unknown(f"{entry_point} has no parameter", name, known))
    return dataclasses.replace(env_params, **rest)
