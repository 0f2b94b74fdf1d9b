"""Observations and actions as short text, for whoever watches an episode."""

from typing import Any

import jax
import numpy as np

_SHOWN = 8  # entries of a longer vector


def action(env: Any, value: Any) -> str:
    """One action: in the family's own words, else an integer, a tuple, or numbers."""
    suite = _popgym(env)
    if suite:
        return suite.action(env, value)
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.size > 1:
        return f"({', '.join(map(_number, value))})"
    return _tree(value)


def observation(env: Any, obs: Any, *, first: bool = False) -> str:
    """One observation: in the family's own words, else what is set in it, or numbers.

    Args:
      env: the environment that showed it.
      obs: arrays.
      first: whether it opens an episode.
    """
    suite = _popgym(env)
    return suite.observation(env, obs, first=first) if suite else _tree(obs)


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
