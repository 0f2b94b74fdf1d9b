"""POPGym (Morad et al., 2023) in JAX: partially observable games, three levels each.

`TABLE` maps every name to its `Entry`; `make(name, **params)` builds one. Behaviour is
that of the PyPI package `popgym` 1.0.7, step for step, quirks included: each module's
docstring names them and the option that corrects them. See `base` for the seams and
`wrappers` for previous action, start flag and full observability.
"""

from typing import Any

from envs.arguments import build
from envs.config import PopgymConfig
from envs.naming import unknown
from envs.popgym.table import ALIASES, TABLE, Entry

__all__ = ["ALIASES", "TABLE", "Entry", "make", "make_from", "names"]


def make(name: str, **params: Any) -> tuple[Any, Any]:
    """Builds an environment by name: `(env, env_params)`.

    Args:
      name: a key of `TABLE`, such as "popgym_repeat_previous_hard".
      **params: arguments of the environment's class or fields of its params; they take
        the place of what the difficulty sets.

    Raises:
      ValueError: for an unknown name or parameter, naming the nearest known ones.
    """
    if name not in TABLE:
        raise ValueError(unknown("unknown environment", name, TABLE))
    entry = TABLE[name]
    return build(name, entry.env_class, {**entry.arguments, **params})


def make_from(config: PopgymConfig) -> tuple[Any, Any]:
    """Builds an environment as `envs.make` asks for it.

    Observations carry previous action and start flag, as those of the paper's baselines
    do (`wrappers.PreviousAction`), unless `previous_action` is false.
    """
    from envs.popgym.wrappers import PreviousAction

    params = dict(config.params)
    previous_action = params.pop("previous_action", True)
    if not isinstance(previous_action, bool):
        raise ValueError(
            f"previous_action must be true or false; got {previous_action!r}."
        )
    env, env_params = make(config.id, **params)
    return PreviousAction(env) if previous_action else env, env_params


def names() -> tuple[str, ...]:
    """Every name once, without the aliases."""
    return tuple(name for name in TABLE if name not in ALIASES)
