"""POPGym's LabyrinthEscape and LabyrinthExplore (popgym 1.0.7).

Measures: finding one's way in an unknown maze from a 3 x 3 view. Escape ends at an exit
in the wall opposite the start, Explore when every free square has been visited. (The
package's author advises against both as tests of memory: an MLP beats an LSTM.)

    mean return      random policy   best known (shortest path / depth first)
    escape_easy        -0.418          0.979     5 x 5 cells, 11 x 11 squares
    escape_medium      -0.815          0.964     7 x 7 cells, 15 x 15 squares
    escape_hard        -0.967          0.948     9 x 9 cells, 19 x 19 squares
    explore_easy       -0.361          0.968
    explore_medium     -0.615          0.927
    explore_hard       -0.745          0.866

Observation: [50] float32, ten one-hot symbols of five. Nine squares of the view, row by
row (0 free, 1 wall, 2 start, 3 exit, 4 unused), then the last action (4 = none, after a
reset). Actions: 0 left, 1 right, 2 up, 3 down; into a wall or off the maze is a stay.
Markov state: [5HW], one-hot squares of the grid with 4 where no one has been.

With L = `max_steps_in_episode` + 1 = 1024: Escape pays -1/L a step and 1 more at the
exit. Explore pays 1/F for a new square, else -1/L, with F the free squares but the
start. Both are truncated after L - 1 steps, possibly in the step that terminates.

Quirks of the reference, kept by default:

* The view is cut at the border and padded with walls at the bottom and right only. At
  the top or left border the agent is therefore not in the middle of it, which is how
  each episode starting on the north or west wall begins. `centered_view=True` puts the
  agent in the middle always. (A maze wider than high also loses squares on its right.)
* In Explore the end stays a wall.
* A few mazes in 100,000 are unfinished (see `maze.py`): a cell is shut off, in Escape
  perhaps the one at the exit, which then cannot be reached.

Auto-reset. gymnax computes a reset for each environment at every step and selects;
here that would be a maze per step. So `step` is written anew: same keys, same results
bit for bit, but mazes are generated only where an episode ended. A wrapper that uses
gymnax's own `step` gets the same episodes, 3 to 10 times slower; if that is too slow,
`with_pool` fills params with mazes to draw from. That is an option because it changes
the law: mazes come back (starts and ends are still drawn anew).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax import Array

from envs.popgym import base, maze

FREE, WALL, START, EXIT, HIDDEN = range(5)
NO_ACTION = 4
_FAR = 2**30  # steps; no way is so long
_MOVES = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)], np.int32)
_COLOURS = np.array(
    [(255, 255, 255), (40, 40, 40), (90, 160, 250), (60, 180, 90)], np.uint8
)


@struct.dataclass
class LabyrinthParams(base.EnvParams):
    """The clock, one less than popgym's `episode_length`, and a pool if any."""

    max_steps_in_episode: int = 1023
    mazes: Array | None = None  # [N, H, W] int8 to draw from; None: each maze is new


@struct.dataclass
class LabyrinthState(base.EnvState):
    """One episode; H = 2 height + 1 and W = 2 width + 1 squares."""

    time: Array  # [] int32
    grid: Array  # [H, W] int8, FREE, WALL, START or EXIT
    explored: Array  # [H, W] bool
    position: Array  # [2] int32, (row, column)
    last_action: Array  # [] int32, NO_ACTION after a reset
    num_free: Array  # [] int32, FREE squares of the grid
    num_visited: Array  # [] int32, how many of those are explored


class _Labyrinth(base.PopgymEnvironment):
    """What both families share; they differ in the exit, the reward and the end."""

    label_axes = (5,) * 10
    action_axes = (4,)
    reset_is_costly = True

    def __init__(self, height: int = 5, width: int = 5, centered_view: bool = False):
        super().__init__()
        self.size = maze.checked_size((height, width))
        self.shape = (2 * height + 1, 2 * width + 1)
        self.centered_view = centered_view

    @property
    def default_params(self) -> LabyrinthParams:
        return LabyrinthParams()

    def with_pool(
        self, key: Array, params: LabyrinthParams, num_mazes: int = 16384
    ) -> LabyrinthParams:
        """Generates the mazes that resets draw from, uniformly. `key` is consumed."""
        draw = jax.vmap(lambda k: maze.hunt_and_kill(k, self.size))
        mazes = draw(jax.random.split(key, num_mazes))
        return LabyrinthParams(params.max_steps_in_episode, mazes)

    def draw_hidden(self, key, params: Any):
        key_maze, key_entrances = jax.random.split(key)
        if params.mazes is None:
            grid = maze.hunt_and_kill(key_maze, self.size)
        else:
            count = params.mazes.shape[0]
            chosen = jax.random.randint(key_maze, (), 0, count, jnp.int32)
            grid = params.mazes[chosen]
        start, end = maze.entrances(key_entrances, self.size)
        return {"grid": grid, "start": start, "end": end}

    def start(self, hidden, params):
        """Opens an episode: "grid" [H, W] with shut entrances, "start", "end" [2]."""
        position = jnp.asarray(hidden["start"], jnp.int32)
        grid = jnp.asarray(hidden["grid"], jnp.int8)
        if grid.shape != self.shape:
            raise ValueError(f"hidden grid wants shape {self.shape}; got {grid.shape}.")
        grid = self._open(grid.at[position[0], position[1]].set(START), hidden["end"])
        state = LabyrinthState(
            time=base.no_time(),
            grid=grid,
            explored=jnp.zeros(self.shape, bool).at[position[0], position[1]].set(True),
            position=position,
            last_action=jnp.asarray(NO_ACTION, jnp.int32),
            num_free=jnp.sum(grid == FREE, dtype=jnp.int32),
            num_visited=jnp.zeros((), jnp.int32),
        )
        return self._label(state), state

    def transition(self, state, action, draw, params):
        last = jnp.asarray(self.shape, jnp.int32) - 1
        target = jnp.clip(state.position + jnp.asarray(_MOVES)[action], 0, last)
        blocked = state.grid[target[0], target[1]] == WALL
        position = jnp.where(blocked, state.position, target)
        new = ~state.explored[position[0], position[1]]
        state = state.replace(
            time=state.time + 1,
            explored=state.explored.at[position[0], position[1]].set(True),
            position=position,
            last_action=action,
            num_visited=state.num_visited + new.astype(jnp.int32),
        )
        step_cost = jnp.asarray(-1.0 / (params.max_steps_in_episode + 1), jnp.float32)
        return self._label(state), state, self._reward(state, new, step_cost)

    def explored_grid(self, state: LabyrinthState) -> Array:
        """[H, W] int8, the grid with 4 where no one has been: popgym's `get_state`."""
        return jnp.where(state.explored, state.grid, jnp.int8(HIDDEN))

    def markov_state(self, state, params):
        grid = self.explored_grid(state).astype(jnp.int32)
        return base.one_hots(grid.reshape(-1), (5,) * grid.size)

    def _label(self, state: LabyrinthState) -> Array:
        view = self._view(state).reshape(9).astype(jnp.int32)
        return jnp.append(view, state.last_action)

    def _view(self, state: LabyrinthState) -> Array:
        """[3, 3] squares around the agent."""
        if self.centered_view:
            padded = jnp.pad(state.grid, 1, constant_values=WALL)
            return jax.lax.dynamic_slice(padded, tuple(state.position), (3, 3))
        padded = jnp.pad(state.grid, ((0, 2), (0, 2)), constant_values=WALL)
        first = jnp.maximum(state.position - 1, 0)
        window = jax.lax.dynamic_slice(padded, tuple(first), (3, 3))
        # The reference bounds rows by the width and columns by the height.
        last = jnp.minimum(state.position + 1, jnp.asarray(self.shape[::-1], jnp.int32))
        shown = first[:, None] + jnp.arange(3, dtype=jnp.int32)[None] <= last[:, None]
        return jnp.where(shown[0][:, None] & shown[1][None], window, jnp.int8(WALL))

    def render(self, state: LabyrinthState, params=None, *, scale: int = 8):
        """Draws one episode as an [H * scale, W * scale, 3] uint8 RGB array.

        Walls dark, start blue, exit green, visited squares shaded, the agent red.
        """
        image = _COLOURS[np.asarray(state.grid)]
        image[np.asarray(state.explored)] -= np.array([10, 20, 60], np.uint8)
        image[tuple(np.asarray(state.position))] = (220, 50, 40)
        return image.repeat(scale, 0).repeat(scale, 1)

    def _open(self, grid: Array, end: Array) -> Array:
        return grid

    def _reward(self, state: LabyrinthState, new: Array, step_cost: Array) -> Array:
        raise NotImplementedError


class LabyrinthEscape(_Labyrinth):
    """Reach the exit in the opposite wall.

    Args:
      height: of the maze in cells, at least 3.
      width: of the maze in cells, 3 to 32.
      centered_view: the agent is in the middle of its view on every border.
    """

    def is_terminated(self, state, params):
        return self._at_exit(state)

    def best_actions(self, state, params):
        """[4] bool: shortest ways to the exit; all actions if it cannot be reached.

        The whole maze is flooded from the exit at each call, which costs far more than
        a step: hundreds of rounds over the grid.
        """
        left = _steps_to(state.grid == EXIT, state.grid == WALL)
        row, column = state.position
        around = jnp.pad(left, 1, constant_values=_FAR)[
            row + 1 + jnp.asarray(_MOVES[:, 0]), column + 1 + jnp.asarray(_MOVES[:, 1])
        ]
        closer = around < left[row, column]
        return closer | ~jnp.any(closer)

    def _at_exit(self, state: LabyrinthState) -> Array:
        return state.grid[state.position[0], state.position[1]] == EXIT

    def _open(self, grid, end):
        return grid.at[end[0], end[1]].set(EXIT)

    def _reward(self, state, new, step_cost):
        return step_cost + self._at_exit(state).astype(jnp.float32)


class LabyrinthExplore(_Labyrinth):
    """Visit every free square; arguments as for LabyrinthEscape."""

    def is_terminated(self, state, params):
        return state.num_visited == state.num_free

    def _reward(self, state, new, step_cost):
        return jnp.where(new, 1.0 / state.num_free.astype(jnp.float32), step_cost)


def _steps_to(target: Array, wall: Array) -> Array:
    """[H, W] int32: steps from each square to the nearest `target`, _FAR if none."""

    def spread(now):
        wide = jnp.pad(now[1], 1, constant_values=_FAR)
        up, down = wide[:-2, 1:-1], wide[2:, 1:-1]
        left, right = wide[1:-1, :-2], wide[1:-1, 2:]
        near = jnp.minimum(jnp.minimum(up, down), jnp.minimum(left, right)) + 1
        closer = jnp.where(wall | (near > _FAR), now[1], jnp.minimum(now[1], near))
        return jnp.any(closer != now[1]), closer

    first = jnp.where(target, 0, _FAR).astype(jnp.int32)
    return jax.lax.while_loop(lambda now: now[0], spread, (jnp.array(True), first))[1]
