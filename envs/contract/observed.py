"""Whether what is observed is what the observation space says."""

from collections import abc
from dataclasses import fields, is_dataclass
from typing import Any

import jax.numpy as jnp
from gymnax.environments import spaces

from envs.contract.blame import Refusal
from envs.contract.spaces import children, part


def check_observed(space: Any, x: Any, where: str) -> None:
    """Compares an observation with its space, part by part.

    Integers may stand where the space has floats; floats not where it has integers,
    which an encoder would cut them to.

    Args:
      space: sound (`envs.contract.declared`).
      x: what was observed, as `jax.ShapeDtypeStruct`s.
      where: how the message begins, as "Mine.reset's observation".

    Raises:
      Refusal: naming the part that differs.
    """
    if isinstance(space, spaces.Dict | spaces.Tuple):
        _check_parts(space, x, where)
        for key, child in children(space).items():
            check_observed(child, part(x, key), f"{where}, part {key!r},")
        return
    wanted = _wanted(space)
    shape, dtype = getattr(x, "shape", None), getattr(x, "dtype", None)
    if shape is None or dtype is None:
        raise Refusal(f"{where} must be {wanted}; got {kind(x)}.")
    if tuple(shape) != tuple(space.shape) or not _fits(dtype, space):
        raise Refusal(f"{where} must be {wanted}; got {form(x)}.")


def form(x: Any) -> str:
    """An array's type and shape, as "float32[3]"."""
    return f"{x.dtype}{list(x.shape)}"


def kind(x: Any) -> str:
    """What something is, in words: an array's form, or what holds how many."""
    if hasattr(x, "dtype"):
        return form(x)
    if isinstance(x, dict):
        return f"a dict of {', '.join(map(str, x)) or 'nothing'}"
    if isinstance(x, abc.Sequence):
        return f"a {type(x).__name__} of {len(x)}"
    return f"a {type(x).__name__}"


def _check_parts(space: Any, x: Any, where: str) -> None:
    wanted = set(children(space))
    if isinstance(space, spaces.Tuple):
        if not isinstance(x, tuple | list) or len(x) != len(wanted):
            raise Refusal(
                f"{where} must be a tuple of {len(wanted)}, as the space is; got "
                f"{kind(x)}."
            )
        return
    found = _names(x)
    if found is None:
        raise Refusal(
            f"{where} must be a dict of {', '.join(sorted(wanted))}, as the space is; "
            f"got {kind(x)}."
        )
    if found != wanted:
        lacks, more = sorted(wanted - found), sorted(map(str, found - wanted))
        parts = [f"it lacks {', '.join(lacks)}"] if lacks else []
        parts += [f"the space lacks {', '.join(more)}"] if more else []
        raise Refusal(
            f"{where} must have the parts of the space: {' and '.join(parts)}."
        )


def _names(x: Any) -> set[str] | None:
    if isinstance(x, dict):
        return set(x)
    if is_dataclass(x):
        return {field.name for field in fields(x)}
    return set(x._fields) if hasattr(x, "_fields") else None


def _fits(dtype: Any, space: Any) -> bool:
    if isinstance(space, spaces.Discrete):
        return jnp.issubdtype(dtype, jnp.integer)
    order = (jnp.bool_, jnp.integer, jnp.floating)

    def rank(dtype: Any) -> int:
        ranks = [i for i, each in enumerate(order) if jnp.issubdtype(dtype, each)]
        return ranks[0] if ranks else len(order)

    return rank(dtype) <= rank(space.dtype)


def _wanted(space: Any) -> str:
    if isinstance(space, spaces.Discrete):
        return f"an integer scalar, as Discrete({space.n}) says"
    return f"{jnp.dtype(space.dtype)}{list(space.shape)}, as the observation space says"
