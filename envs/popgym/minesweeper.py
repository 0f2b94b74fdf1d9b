"""MineSweeper: deduce the mines from counts that are shown once.

A cell that is opened says how many mines lie in the 3 x 3 block around it; what it said
and where has to be remembered.

- Chance -0.22 / -0.39 / -0.44, best 1, worst -1. With `L = cells - mines`: `1/L` for a
  clear cell, `-0.5/(L - 2)` for one opened before, `-0.5 - 1/L` for a mine.
- Observation [min(m + 1, 10)]: one-hot count, the cell itself included; a count of 0 at
  reset. The first cell is not protected. Action: `row * width + column`.
- Terminates on a mine or when no clear cell is left; truncates after L steps unless it
  terminates there. A win takes all L steps without one repeat.
- Markov state [3 cells]: per cell a one-hot of clear, mine, opened.

Until popgym 1.0.6 the limit was L + 1 steps; `popgym_version="1.0.6"` restores that.
As in Battleship the observation does not name the cell: use the previous action.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.popgym import base

CLEAR, MINE, OPENED = 0, 1, 2


@struct.dataclass
class MineSweeperState(base.EnvState):
    """The minefield, row-major, and what has been opened."""

    time: Array  # [] int32
    mines: Array  # [cells] bool
    opened: Array  # [cells] bool, clear cells only
    exploded: Array  # [] bool


class MineSweeper(base.PopgymEnvironment):
    """Open every clear cell.

    Args:
      height: rows of the grid.
      width: columns of the grid.
      num_mines: m; also sets the size of the observation.
      popgym_version: "1.0.7", or "1.0.6" for one step more before the time limit.
    """

    termination_silences_clock = True

    reset_is_costly = True

    def __init__(
        self,
        height: int = 4,
        width: int = 4,
        num_mines: int = 2,
        popgym_version: str = "1.0.7",
    ):
        super().__init__()
        base.check_version(popgym_version)
        self.height, self.width, self.num_mines = height, width, num_mines
        self.cells = height * width
        self.num_clear = self.cells - num_mines
        if num_mines < 1 or self.num_clear < 3:
            raise ValueError(
                f"num_mines must lie in [1, {self.cells - 3}] on a {height} x {width} "
                f"grid, so that three cells are clear; got {num_mines}."
            )
        self.extra_steps = int(popgym_version == "1.0.6")
        self.label_axes = (min(num_mines + 1, 10),)
        self.action_axes = (height, width)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=self.num_clear + self.extra_steps)

    def draw_hidden(self, key, params):
        mines = jax.random.permutation(
            key, jnp.arange(self.cells, dtype=jnp.int32) < self.num_mines
        )
        return {"mines": mines.reshape(self.height, self.width)}

    def start(self, hidden, params):
        mines = jnp.asarray(hidden["mines"]).reshape(self.cells)
        state = MineSweeperState(
            time=base.no_time(),
            mines=mines.astype(bool),
            opened=jnp.zeros((self.cells,), bool),
            exploded=jnp.zeros((), bool),
        )
        return jnp.zeros((), jnp.int32), state

    def transition(self, state, action, draw, params):
        cell = jnp.arange(self.cells, dtype=jnp.int32) == action
        on_mine = jnp.any(cell & state.mines)
        repeated = jnp.any(cell & state.opened)
        success = 1 / self.num_clear
        reward = jnp.where(
            on_mine,
            -0.5 - success,
            jnp.where(repeated, -0.5 / (self.num_clear - 2), success),
        ).astype(jnp.float32)
        count = jnp.sum(state.mines & self._block(action), dtype=jnp.int32)
        state = state.replace(
            time=state.time + 1,
            opened=state.opened | (cell & ~state.mines),
            exploded=on_mine,
        )
        return count, state, reward

    def _block(self, action):
        """The 3 x 3 cells around one, cut at the border, [cells] bool."""
        row, column = jnp.divmod(jnp.arange(self.cells, dtype=jnp.int32), self.width)
        near_row = jnp.abs(row - action // self.width) <= 1
        return near_row & (jnp.abs(column - action % self.width) <= 1)

    def is_terminated(self, state, params):
        return state.exploded | jnp.all(state.mines | state.opened)

    def best_actions(self, state, params):
        """[cells] bool: clear cells that are not open, whatever can be deduced."""
        return ~state.mines & ~state.opened

    def markov_state(self, state, params):
        cells = jnp.where(state.mines, MINE, jnp.where(state.opened, OPENED, CLEAR))
        return base.one_hots(cells, (3,) * self.cells)
