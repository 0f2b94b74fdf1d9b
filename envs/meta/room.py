"""What Dark Room and Dark Key-to-Door share: an empty room, a size x size grid.

Cells are `[row, column]` int32, row 0 on top. Five actions: stay, up, down, left,
right; a step into a wall stays. A start cell with a negative entry stands for one that
is drawn uniformly in every trial.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces
from jax import Array

from envs.contract.auto_reset import AutoReset
from envs.meta import tasks
from envs.meta.cells import HELD_OUT, SEED, partition

MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
NAMES = ("stay", "up", "down", "left", "right")
STARTS = ("center", "corner", "random")


class Room(AutoReset):
    """Base of the rooms: what they show and what can be done.

    Args:
      size: of the room, in cells a side.
      start: where trials start under the default params, one of `STARTS`.
    """

    # A start that may be random, as it is when a task says which, is drawn for the
    # lanes that need one.
    reset_is_costly = True
    action_names = NAMES

    def __init__(self, size: int = 9, start: str = "center"):
        super().__init__()
        self.size = size
        self.start = start
        start_cell(start, size)  # refuses an unknown name at once

    def observation_space(self, params: Any = None) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (2,), jnp.float32)

    def action_space(self, params: Any = None) -> spaces.Discrete:
        return spaces.Discrete(len(MOVES))

    @property
    def num_actions(self) -> int:
        return len(MOVES)

    def render(self, state: Any, params: Any):
        """The room as an RGB picture, [height, width, 3] uint8. Needs matplotlib."""
        from envs.meta import render

        return render.render(self, state, params)


@dataclass(frozen=True)
class RoomTasks:
    """Base of the distributions: a finite set of tasks, and where their trials start.

    A subclass says what its tasks are, and refuses a `held_out` that leaves none.
    """

    size: int = 9
    start: str = "center"  # of training and held-out tasks, one of `STARTS`
    shifted_start: str = "corner"
    held_out: float = HELD_OUT  # share of the tasks
    seed: int = SEED  # chooses which

    def __post_init__(self):
        for start in (self.start, self.shifted_start):
            start_cell(start, self.size)
        if self.start == self.shifted_start:
            raise ValueError(
                f"start and shifted_start must differ; got {self.start!r} twice."
            )

    def part(self, split: str, count: int) -> np.ndarray:
        """[M] int: which of the tasks 0 ... count - 1 a split has, in order."""
        tasks.check_split(split)
        parts = partition(count, held_out=self.held_out, seed=self.seed)
        return parts[split != tasks.TRAIN]

    def start_of(self, split: str) -> Array:
        """[2] int32: the start cell of a split's tasks."""
        start = self.shifted_start if split == tasks.SHIFTED else self.start
        return start_cell(start, self.size)


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
    # A fifth of the keys that randint would draw.
    anywhere = (jax.random.uniform(key, (2,), jnp.float32) * size).astype(jnp.int32)
    return jnp.where(jnp.any(start < 0), anywhere, start)


def start_law(start: Array, size: int) -> Array:
    """[size, size] float32: the chance that `enter` gives each cell."""
    here = jnp.zeros((size, size), jnp.float32).at[start[0], start[1]].set(1.0)
    return jnp.where(jnp.any(start < 0), jnp.full_like(here, size**-2), here)


def move(cell: Array, action: Any, size: int) -> Array:
    """[2] int32: the cell that an action leads to."""
    return jnp.clip(cell + jnp.asarray(MOVES, jnp.int32)[action], 0, size - 1)


def number(cell: Array, size: int) -> Array:
    """[] int32: a cell's place in row-major order."""
    return cell[0] * size + cell[1]


def towards(cell: Array, target: Array) -> Array:
    """[5] bool: the actions that open a shortest way; to stay, where one is there."""
    moved = cell[None] + jnp.asarray(MOVES, jnp.int32)
    distance = jnp.abs(moved - target[None]).sum(-1)
    return distance == distance.min()


def same(a: Array, b: Array) -> Array:
    """[] bool: whether two cells are one."""
    return jnp.all(a == b)


def encode(size: int, *cells: Array) -> Array:
    """[2 * number of cells] float32: row and column of each cell, from -1 to 1.

    Numbers and not one-hot vectors: a learner that read those learnt which goals there
    were, and neither looked for others nor found back to them (docs/in_context.md).
    """
    return 2 * jnp.concatenate(cells).astype(jnp.float32) / max(size - 1, 1) - 1
