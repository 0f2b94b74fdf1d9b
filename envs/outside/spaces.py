"""Spaces of Gymnasium as gymnax's, and the other way; and what lies in them."""

import math
from collections.abc import Callable
from typing import Any

import gymnasium
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces as theirs
from gymnax.environments import spaces as ours

from envs.contract.spaces import children, part

Read = Callable[[Any], Any]  # of a batch, [B, ...]
_INT = np.iinfo(np.int32)


def observed(space: theirs.Space) -> tuple[Any, Read]:
    """What an agent is shown: a gymnax space, and what makes elements of a batch.

    Integers are int32 but for bytes, reals float32; what counts from elsewhere counts
    from 0.

    Raises:
      ValueError: for a space that is not Box, Discrete, MultiDiscrete, MultiBinary,
        Dict or Tuple of such.
    """
    if isinstance(space, theirs.Discrete):
        start = int(space.start)
        return ours.Discrete(int(space.n)), lambda x: (np.asarray(x) - start).astype(
            np.int32
        )
    if isinstance(space, theirs.MultiDiscrete):
        most = np.asarray(space.nvec) - 1
        box = ours.Box(0, jnp.asarray(most, jnp.int32), most.shape, jnp.int32)
        start = np.asarray(space.start)
        return box, lambda x: (np.asarray(x) - start).astype(np.int32)
    if isinstance(space, theirs.MultiBinary):
        box = ours.Box(0, 1, tuple(space.shape), jnp.int32)
        return box, lambda x: np.asarray(x).astype(np.int32)
    if isinstance(space, theirs.Box):
        return _box(space)
    if isinstance(space, theirs.Dict):
        keys = sorted(space.spaces)
        found = {key: observed(space.spaces[key]) for key in keys}
        parts = {key: one for key, (one, _) in found.items()}
        return ours.Dict(parts), lambda x: {k: found[k][1](x[k]) for k in keys}
    if isinstance(space, theirs.Tuple):
        several = [observed(one) for one in space.spaces]
        return ours.Tuple(tuple(one for one, _ in several)), lambda x: tuple(
            read(one) for (_, read), one in zip(several, x, strict=True)
        )
    raise ValueError(
        "observations must be a Box, Discrete, MultiDiscrete, MultiBinary, Dict or "
        f"Tuple of Gymnasium; got {space}."
    )


def _box(space: theirs.Box) -> tuple[ours.Box, Read]:
    shape = tuple(space.shape) or (1,)
    if space.dtype == np.uint8:
        kind: Any = np.uint8
    elif np.issubdtype(space.dtype, np.floating):
        kind = np.float32
    else:
        kind = np.int32
    low, high = (np.asarray(x).reshape(shape) for x in (space.low, space.high))
    if kind == np.int32:
        low, high = (np.clip(x, _INT.min, _INT.max).astype(kind) for x in (low, high))
    box = ours.Box(jnp.asarray(low, kind), jnp.asarray(high, kind), shape, kind)
    return box, lambda x: np.asarray(x).astype(kind).reshape(-1, *shape)


def acted(space: theirs.Space) -> tuple[Any, Read]:
    """What an agent chooses from, and what makes Gymnasium's actions of a batch.

    Several choices at once are numbered: MultiDiscrete([3, 2]) is Discrete(6).

    Raises:
      ValueError: for a space that no policy here draws from.
    """
    if isinstance(space, theirs.Discrete):
        start = int(space.start)
        return ours.Discrete(int(space.n)), lambda x: np.asarray(x, np.int64) + start
    if isinstance(space, theirs.MultiDiscrete | theirs.MultiBinary):
        binary = isinstance(space, theirs.MultiBinary)
        counts = np.full(space.shape, 2) if binary else np.asarray(space.nvec)
        start = 0 if binary else np.asarray(space.start)

        def numbered(x: Any) -> np.ndarray:
            parts = np.unravel_index(np.asarray(x), counts.ravel().tolist())
            whole = np.stack(parts, axis=-1).reshape(-1, *counts.shape)
            return (whole + start).astype(space.dtype)

        return ours.Discrete(math.prod(counts.ravel().tolist())), numbered
    if isinstance(space, theirs.Box) and np.issubdtype(space.dtype, np.floating):
        low, high = (np.asarray(x, np.float32).ravel() for x in (space.low, space.high))
        box = ours.Box(jnp.asarray(low), jnp.asarray(high), low.shape, jnp.float32)
        return box, lambda x: np.asarray(x, space.dtype).reshape(-1, *space.shape)
    raise ValueError(
        "actions must be Discrete, MultiDiscrete, MultiBinary or a Box of floats of "
        f"Gymnasium; got {space}."
    )


def shown(space: Any) -> gymnasium.Space:
    """A gymnax space as Gymnasium has it."""
    if isinstance(space, ours.Discrete):
        return theirs.Discrete(int(space.n))
    if isinstance(space, ours.Box):
        kind = np.dtype(space.dtype)
        low, high = (
            np.broadcast_to(np.asarray(x), space.shape).astype(kind)
            for x in (space.low, space.high)
        )
        return theirs.Box(low, high, tuple(space.shape), kind.type)
    found = {key: shown(child) for key, child in children(space).items()}
    if isinstance(space, ours.Dict):
        return theirs.Dict(found)
    return theirs.Tuple(tuple(found.values()))


def element(space: Any, x: Any) -> Any:
    """An element of a gymnax space, or [B, ...] of them, in NumPy's types."""
    if isinstance(space, ours.Discrete):
        return np.asarray(x, np.int64)[()]
    if isinstance(space, ours.Box):
        return np.asarray(x, np.dtype(space.dtype))
    found = {k: element(child, part(x, k)) for k, child in children(space).items()}
    return found if isinstance(space, ours.Dict) else tuple(found.values())
