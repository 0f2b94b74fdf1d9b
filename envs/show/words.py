"""Observations and actions as short text, for whoever watches an episode."""

import collections
import itertools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from envs.contract.wrappers import Wrapper

_SHOWN = 8  # entries of a longer vector
_RUNS = 7  # of equal actions, that are told one after another
_DIRECTIONS = ("up", "right", "down", "left")
_GYMNAX = {
    "CartPole-v1": ("left", "right"),
    "Acrobot-v1": ("torque -1", "no torque", "torque +1"),
    "MountainCar-v0": ("left", "coast", "right"),
    "FourRooms-misc": _DIRECTIONS,
    "MetaMaze-misc": _DIRECTIONS,
    "FrozenLake-misc": ("left", "down", "right", "up"),
}


def action(env: Any, value: Any) -> str:
    """One action: in the family's own words, else an integer, a tuple, or numbers.

    Words are those of POPGym's table, of gymnax's below, or `action_names` of the
    environment, in whatever wrappers: a word for each discrete action, or for each
    entry of a vector. A meta-environment passes discrete actions on as they are.
    """
    if _is_discrete(value):
        return _discrete(env, int(value)) or str(int(value))
    suite = _popgym(env)
    if suite:
        return suite.action(env, value)
    while isinstance(env, Wrapper):
        env = env.env
    if isinstance(value, np.ndarray) and (names := _names(env, value.size)):
        each = zip(names, np.ravel(value), strict=True)
        return ", ".join(f"{name} {_number(x)}" for name, x in each)
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.size > 1:
        return f"({', '.join(map(_number, value))})"
    return _tree(value)


def did(env: Any, actions: Sequence[Any]) -> str:
    """Several actions, one after another: "up x3, left x2, stay x15".

    Of actions that are vectors their mean size is all that can be said shortly.
    """
    if not actions:
        return "nothing"
    if not _is_discrete(actions[0]):
        size = np.mean([np.abs(np.asarray(one, np.float32)).mean() for one in actions])
        return f"mean size of actions {size:.2f}"
    runs = [
        (name, len(list(same)))
        for name, same in itertools.groupby(action(env, one) for one in actions)
    ]
    if len(runs) > _RUNS:
        counts = collections.Counter(action(env, one) for one in actions)
        runs = counts.most_common(_RUNS)
    said = [name if count == 1 else f"{name} \u00d7{count}" for name, count in runs]
    return ", ".join(said)


def observation(env: Any, obs: Any, *, first: bool = False) -> str:
    """One observation: in the family's own words, else what is set in it, or numbers.

    Args:
      env: the environment that showed it.
      obs: arrays.
      first: whether it opens an episode.
    """
    suite = _popgym(env)
    return suite.observation(env, obs, first=first) if suite else _tree(obs)


def _is_discrete(value: Any) -> bool:
    return np.ndim(value) == 0 and np.issubdtype(np.asarray(value).dtype, np.integer)


def _discrete(env: Any, number: int) -> str | None:
    """What a discrete action is called, if anything says so."""
    while True:
        suite = _popgym(env)
        if suite:
            return suite.action(env, number)
        if names := _names(env) or _GYMNAX.get(_gymnax_name(env)):
            return names[number] if 0 <= number < len(names) else None
        if not hasattr(env, "env"):
            return None
        env = env.env


def _names(env: Any, count: int | None = None) -> Sequence[str] | None:
    """What an environment of ours calls its actions, if there are so many."""
    names = getattr(env, "action_names", None)
    if not isinstance(names, tuple) or count not in (None, len(names)):
        return None
    return names


def _gymnax_name(env: Any) -> str:
    ours = type(env).__module__.startswith("gymnax.")
    return str(getattr(env, "name", "")) if ours else ""


def _popgym(env: Any) -> Any:
    """The words of POPGym, if this is one of its games as the suite shows it."""
    from envs.popgym import base, words, wrappers

    inner = env.env if isinstance(env, wrappers.PreviousAction) else env
    return words if isinstance(inner, base.PopgymEnvironment) else None


def _tree(tree: Any) -> str:
    parts = jax.tree.flatten_with_path(tree)[0]
    if len(parts) == 1:
        return _array(np.asarray(parts[0][1]))
    return "  ".join(
        f"{jax.tree_util.keystr(path, simple=True, separator='.')}: "
        f"{_array(np.asarray(leaf))}"
        for path, leaf in parts
    )


def _array(x: np.ndarray) -> str:
    """A scalar as it is; flags as the indices that are set; else rounded numbers."""
    if x.ndim == 0:
        return _number(x[()])
    if x.ndim == 1 and x.size <= _SHOWN:
        return " ".join(map(_number, x))
    if np.isin(x, (0, 1)).all():
        where = np.argwhere(x)
        listed = " ".join(",".join(map(str, index)) for index in where[:_SHOWN])
        more = " ..." if len(where) > _SHOWN else ""
        return f"set: {listed or 'none'}{more}"
    first = " ".join(map(_number, np.ravel(x)[:_SHOWN]))
    return f"{first} ... ({'x'.join(map(str, x.shape))})"


def _number(x: Any) -> str:
    if isinstance(x, np.floating):
        return f"{x:.3g}"
    return str(x)
