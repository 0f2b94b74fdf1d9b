"""What every core is given, checked alike before anything is computed.

Shapes and dtypes only, which tracing knows: a compiled call checks nothing.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def check_arguments(
    initial_carry: Callable[[int], Any], carry: Any, x: Array, reset: Array
) -> None:
    """Refuses what a core cannot read (`s5rl.cores.Core`).

    Args:
      initial_carry: the core's own, which says what a carry looks like.
      carry: as `initial_carry(B)` gives it.
      x: [T, B, features_in] floats, T > 0.
      reset: [T, B] bool.

    Raises:
      ValueError: if a shape or the carry's structure is another.
      TypeError: if a dtype is.
    """
    shape, dtype = _described("x", x)
    if len(shape) != 3 or shape[0] == 0:
        raise ValueError(f"x must be [T, B, features_in] with T > 0; got {shape}.")
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(f"x must be real floating numbers; got {dtype}.")
    length, batch, _ = shape
    shape, dtype = _described("reset", reset)
    if shape != (length, batch):
        raise ValueError(
            f"reset must be [T, B] = {(length, batch)}, as x has them; got {shape}."
        )
    if dtype != jnp.bool_:
        raise TypeError(f"reset must be bool; got {dtype}.")
    _check_carry(jax.eval_shape(lambda: initial_carry(batch)), carry)


def _check_carry(wanted: Any, carry: Any) -> None:
    structure, given = jax.tree.structure(wanted), jax.tree.structure(carry)
    if given != structure:
        raise ValueError(
            "carry must be built as initial_carry(B) gives it, "
            f"{structure}; got {given}."
        )
    leaves, _ = jax.tree.flatten_with_path(carry)
    for (path, leaf), want in zip(leaves, jax.tree.leaves(wanted), strict=True):
        name = f"carry{jax.tree_util.keystr(path)}"
        shape, dtype = _described(name, leaf)
        if shape != want.shape:
            raise ValueError(
                f"{name} must be {want.shape}, B as x has it; got {shape}."
            )
        if dtype != want.dtype:
            raise TypeError(f"{name} must be {want.dtype}; got {dtype}.")


def _described(name: str, value: Any) -> tuple[tuple[int, ...], Any]:
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        raise TypeError(f"{name} must be an array; got {type(value).__name__}.")
    return tuple(value.shape), value.dtype
