"""Observations of any gymnax space as one flat float vector."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import spaces
from jax import Array


def flat_size(space: spaces.Space) -> int:
    """The width of `flatten`'s result.

    Raises:
      TypeError: for a space that is not Box, Discrete, Dict or Tuple.
    """
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.Box):
        return math.prod(space.shape)
    return sum(flat_size(child) for child in children(space).values())


def flatten(space: spaces.Space, x: Any) -> Array:
    """Encodes an element of `space` as float32, as `gymnasium.spaces.flatten` does.

    Box is flattened, Discrete becomes one-hot, Dict and Tuple are concatenated.

    Args:
      space: describes one element.
      x: an element, with any leading axes: [..., *shape].

    Returns:
      [..., flat_size(space)] float32.
    """
    if isinstance(space, spaces.Discrete):
        return jax.nn.one_hot(x, space.n, dtype=jnp.float32)
    if isinstance(space, spaces.Box):
        x = jnp.asarray(x, jnp.float32)
        lead = x.shape[: x.ndim - len(space.shape)]
        return x.reshape(*lead, flat_size(space))
    parts = [flatten(child, part(x, key)) for key, child in children(space).items()]
    return jnp.concatenate(parts, axis=-1)


def is_vector(space: spaces.Space) -> bool:
    """Whether flattening loses nothing: a Discrete, or a Box of rank 0 or 1."""
    return isinstance(space, spaces.Discrete) or (
        isinstance(space, spaces.Box) and len(space.shape) < 2
    )


def children(space: spaces.Space) -> dict[Any, spaces.Space]:
    """The parts of a Dict or Tuple, in the order in which they are concatenated.

    Raises:
      TypeError: for any other space.
    """
    if isinstance(space, spaces.Dict):
        return dict(sorted(space.spaces.items()))  # as gymnasium and JAX order them
    if isinstance(space, spaces.Tuple):
        return dict(enumerate(space.spaces))
    raise TypeError(f"wanted a Box, Discrete, Dict or Tuple space; got {space!r}.")


def part(x: Any, key: Any) -> Any:
    """One part of an element of a Dict or Tuple."""
    # gymnax reads the parts of a Dict from struct fields; others use real dicts.
    if isinstance(key, str) and not isinstance(x, dict):
        return getattr(x, key)
    return x[key]
