"""The room that Dark Room and Dark Key-to-Door share: an empty size x size grid.

Cells are `[row, column]` int32, row 0 on top. Five actions: stay, up, down, left,
right; a step into a wall stays. A start cell with a negative entry stands for one that
is drawn uniformly in every trial.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
STARTS = ("center", "corner", "random")


def start_cell(start: str, size: int) -> Array:
    """[2] int32: the cell that one of `STARTS` stands for; "corner" is the top left.

    Raises:
      ValueError: for another name.
    """
    cells = {"center": (size // 2, size // 2), "corner": (0, 0), "random": (-1, -1)}
    if start not in cells:
        raise ValueError(f"start must be one of {', '.join(STARTS)}; got {start!r}.")
    return jnp.asarray(cells[start], jnp.int32)


def enter(key: Array, start: Array, size: int) -> Array:
    """[2] int32: where a trial begins, given the start cell of the task."""
    anywhere = jax.random.randint(key, (2,), 0, size, jnp.int32)
    return jnp.where(jnp.any(start < 0), anywhere, start)


def start_law(start: Array, size: int) -> Array:
    """[size, size] float32: the chance that `enter` gives each cell."""
    here = jnp.zeros((size, size)).at[start[0], start[1]].set(1.0)
    return jnp.where(jnp.any(start < 0), jnp.full_like(here, size**-2), here)


def move(cell: Array, action: Any, size: int) -> Array:
    """[2] int32: the cell that an action leads to."""
    return jnp.clip(cell + jnp.asarray(MOVES, jnp.int32)[action], 0, size - 1)


def same(a: Array, b: Array) -> Array:
    """[] bool: whether two cells are one."""
    return jnp.all(a == b)


def encode(size: int, *cells: Array) -> Array:
    """[2 * size * number of cells] float32: one-hot row and column of each cell."""
    return jax.nn.one_hot(jnp.concatenate(cells), size, dtype=jnp.float32).reshape(-1)


def cells_of(index: np.ndarray, size: int) -> np.ndarray:
    """[M, 2] int32: cells by their row-major numbers [M]."""
    return np.stack(np.divmod(index, size), axis=-1).astype(np.int32)
