"""What an adapter can be told by name, checked against the defaults it replaces."""

from collections.abc import Iterable, Mapping
from typing import Any

from envs.arguments import check_type
from envs.config import SuiteConfig
from envs.naming import unknown


def choose(config: SuiteConfig, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults`, with what `config` asks for in their place.

    A value must be of its default's type; an integer may stand for a float, a list for
    a tuple. Where the default is None, what fits is the adapter's to say.

    Raises:
      ValueError: for a name that is not in `defaults`, a value of another type, or a
        limit of no steps.
    """
    chosen = dict(defaults)
    for name, value in config.params.items():
        if name not in defaults:
            raise ValueError(unknown(f"{config.name} has no parameter", name, defaults))
        chosen[name] = _as(defaults[name], name, value, config.name)
    limit = chosen.get("max_steps_in_episode")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError(
            f"{config.name}: max_steps_in_episode must be a positive integer; got "
            f"{limit!r}."
        )
    return chosen


def one_of(config: SuiteConfig, name: str, value: Any, known: Any) -> None:
    """Refuses a value that is not among the known ones.

    Raises:
      ValueError: naming the nearest of them.
    """
    if value not in known:
        raise ValueError(unknown(f"{config.name}: unknown {name}", str(value), known))


def _as(default: Any, name: str, value: Any, env_name: str) -> Any:
    if type(default) is float and type(value) is int:
        value = float(value)
    if type(default) is tuple and not isinstance(value, str):
        value = tuple(value) if isinstance(value, Iterable) else value
    if default is not None:
        check_type(env_name, name, value, default)
    return value
