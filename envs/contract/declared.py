"""Whether a space, as an environment declares it, can be used at all."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces

from envs.contract.blame import Refusal

_KINDS = "Box, Discrete, Dict or Tuple of gymnax.environments.spaces"


def check_space(space: Any, where: str) -> None:
    """Refuses what is no space of gymnax, is empty, or has bounds that bound nothing.

    Args:
      space: of observations or actions.
      where: how the message begins, as "Mine.observation_space".

    Raises:
      Refusal: naming what is wrong.
    """
    if not isinstance(space, spaces.Space):
        library = type(space).__module__.partition(".")[0]
        other = f"{library}'s " if library in ("gymnasium", "gym") else ""
        raise Refusal(f"{where} must give a {_KINDS}; got {other}{_short(space)}.")
    if isinstance(space, spaces.Discrete):
        _check_discrete(space, where)
    elif isinstance(space, spaces.Box):
        _check_box(space, where)
    elif isinstance(space, spaces.Dict):
        _check_parts(space, where, dict(space.spaces))
    elif isinstance(space, spaces.Tuple):
        _check_parts(space, where, dict(enumerate(space.spaces)))
    else:
        raise Refusal(f"{where} must give a {_KINDS}; got {_short(space)}.")


def check_actions(space: Any, where: str = "actions") -> None:
    """Refuses a space that no policy here draws from.

    Raises:
      Refusal: for what is neither Discrete nor a Box of floats with one axis.
    """
    check_space(space, where)
    if isinstance(space, spaces.Discrete):
        return
    if not isinstance(space, spaces.Box) or len(space.shape) != 1:
        raise Refusal(
            f"{where} must be Discrete, or a Box with one axis; got {space!r}."
        )
    if not jnp.issubdtype(space.dtype, jnp.floating):
        low, high = (np.broadcast_to(x, space.shape) for x in (space.low, space.high))
        count = int(np.prod(np.asarray(high, float) - np.asarray(low, float) + 1))
        raise Refusal(
            f"{where} must be Discrete, or a Box of floats; got {space!r}. Number the "
            f"combinations, Discrete({count}), or take floats and round them in step."
        )


def _check_discrete(space: spaces.Discrete, where: str) -> None:
    try:
        whole = int(space.n) == space.n
    except (TypeError, ValueError):
        whole = False
    if not whole or space.n < 1:
        raise Refusal(
            f"{where}: a Discrete must have a whole number of choices, at least 1; got "
            f"{space.n!r}."
        )


def _check_box(space: spaces.Box, where: str) -> None:
    shape = space.shape
    if not isinstance(shape, tuple | list) or not all(_is_size(n) for n in shape):
        raise Refusal(
            f"{where}: the shape of a Box must be a tuple of sizes, at least 1 each; "
            f"got {shape!r}."
        )
    try:
        kind = jnp.dtype(space.dtype)
    except TypeError:
        kind = None
    if kind is None or not is_number(kind):
        raise Refusal(
            f"{where}: the dtype of a Box must be one of numbers; got {space.dtype!r}."
        )
    bounds = []
    for name in ("low", "high"):
        try:
            bound = np.asarray(getattr(space, name), float)
            bounds.append(np.broadcast_to(bound, tuple(shape)))
        except (TypeError, ValueError):
            raise Refusal(
                f"{where}: {name} of a Box must be a number, or an array of its shape "
                f"{list(shape)}; got {_short(getattr(space, name))}."
            ) from None
    low, high = bounds
    if not (low <= high).all():  # nor is NaN at most anything
        raise Refusal(
            f"{where}: low must be at most high in a Box, and neither NaN; got "
            f"{space!r}."
        )
    if jnp.issubdtype(kind, jnp.integer) and not np.isfinite(bounds).all():
        raise Refusal(
            f"{where}: a Box of integers must have finite bounds; got {space!r}."
        )


def _check_parts(space: Any, where: str, parts: dict[Any, Any]) -> None:
    if not parts:
        raise Refusal(
            f"{where}: a {type(space).__name__} must have parts; it has none."
        )
    for key, child in parts.items():
        if isinstance(space, spaces.Dict) and not isinstance(key, str):
            raise Refusal(f"{where}: the parts of a Dict have names; got {key!r}.")
        check_space(child, f"{where}, part {key!r},")


def is_number(dtype: Any) -> bool:
    """Whether it is one of real numbers: bool, integers or floats."""
    kinds = (jnp.bool_, jnp.integer, jnp.floating)
    return any(bool(jnp.issubdtype(dtype, kind)) for kind in kinds)


def _is_size(n: Any) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and int(n) > 0


def _short(x: Any) -> str:
    text = " ".join(repr(x).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
