"""Battleship: explore a board that only answers hit or miss.

Four ships of 2, 3, 3 and 4 cells lie hidden on an n x n board. Not to ask twice, and to
follow up a hit, all earlier questions have to be remembered.

- Chance -0.45 / -0.42 / -0.41, best 1; a sweep row by row gets 0.17. The worst return
  is -n^2/(n^2 - 12), below -1.
- Reward: `1/12` for a ship cell not asked before, else `-1/(n^2 - 12)`.
- Observation [2]: one-hot of miss, hit; a miss at reset, and for a ship cell that was
  hit before. Action: `row * n + column`.
- Terminates at the twelfth hit, truncates after n^2 steps; both can be true.
- Markov state [4n^2 + 2]: board, questions asked (one-hot per cell), last observation.

The observation does not say which cell was asked: without the previous action (the
suite's wrapper) the game can hardly be played.
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.popgym import base


@struct.dataclass
class BattleshipState(base.EnvState):
    """The board, row-major, and what has been asked."""

    time: Array  # [] int32
    board: Array  # [n * n] bool, ship cells
    asked: Array  # [n * n] bool
    hit: Array  # [] bool, the last observation


class Battleship(base.PopgymEnvironment):
    """Sink the fleet.

    Args:
      board_size: n, cells along a side.
      ship_sizes: lengths of the ships, in the order they are placed.
    """

    label_axes = (2,)
    reset_is_costly = True

    def __init__(self, board_size: int = 8, ship_sizes: tuple[int, ...] = (2, 3, 3, 4)):
        super().__init__()
        if max(ship_sizes) > board_size or 3 * sum(ship_sizes) > board_size**2:
            raise ValueError(
                f"ship_sizes {tuple(ship_sizes)} might not fit a board_size of "
                f"{board_size}: ships may be as long as a side and fill a third."
            )
        self.board_size = board_size
        self.ship_sizes = tuple(ship_sizes)
        self.ship_cells = sum(ship_sizes)
        self.cells = board_size**2
        self.action_axes = (board_size, board_size)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=self.cells)

    def draw_hidden(self, key, params):
        return {"board": place_fleet(key, self.board_size, self.ship_sizes)}

    def start(self, hidden, params):
        board = jnp.asarray(hidden["board"]).reshape(self.cells)
        state = BattleshipState(
            time=base.no_time(),
            board=board.astype(bool),
            asked=jnp.zeros((self.cells,), bool),
            hit=jnp.zeros((), bool),
        )
        return state.hit.astype(jnp.int32), state

    def transition(self, state, action, draw, params):
        cell = jnp.arange(self.cells, dtype=jnp.int32) == action
        hit = jnp.any(cell & state.board & ~state.asked)
        state = state.replace(time=state.time + 1, asked=state.asked | cell, hit=hit)
        miss = -1 / (self.cells - self.ship_cells)
        reward = jnp.where(hit, 1 / self.ship_cells, miss).astype(jnp.float32)
        return hit.astype(jnp.int32), state, reward

    def is_terminated(self, state, params):
        return ~jnp.any(state.board & ~state.asked)

    def best_actions(self, state, params):
        """[n * n] bool: ship cells that were not asked for."""
        return state.board & ~state.asked

    def markov_state(self, state, params):
        last = state.hit[None]
        bits = jnp.concatenate([state.board, state.asked, last]).astype(jnp.int32)
        return base.one_hots(bits, (2,) * bits.shape[0])


def place_fleet(key: Array, size: int, ship_sizes: tuple[int, ...]) -> Array:
    """Places ships one after another, each uniformly over where it still fits.

    The reference draws start, axis and sign and rejects; every straight placement
    comes from two such draws, so that is the same distribution. Touching is allowed.

    Returns:
      [size, size] bool, ship cells.
    """
    longest = max(ship_sizes)

    def place(board, key_and_length):
        key, length = key_and_length
        return board | _ship(key, board, length, longest), None

    keys = jax.random.split(key, len(ship_sizes))
    lengths = jnp.asarray(ship_sizes, jnp.int32)
    return jax.lax.scan(place, jnp.zeros((size, size), bool), (keys, lengths))[0]


def _ship(key: Array, board: Array, length: Array, longest: int) -> Array:
    """The cells of one new ship, [size, size] bool."""
    size = board.shape[0]
    # blocked[axis, i, j]: one of the cells (i, j) .. (i, j + length - 1) of the board,
    # or of its transpose for axis 1, is taken or beyond the edge.
    blocked = jnp.stack(
        [_blocked(board, length, longest), _blocked(board.T, length, longest)]
    )
    rank = jnp.cumsum(~blocked.reshape(-1), dtype=jnp.int32)
    # The placement of that rank among the free ones, each as likely as the others.
    drawn = jax.random.randint(key, (), 0, rank[-1], jnp.int32)
    chosen = jnp.sum(rank <= drawn, dtype=jnp.int32)
    axis, i, j = jnp.unravel_index(chosen, blocked.shape)
    row, column = jnp.indices((size, size), dtype=jnp.int32)
    ship = (row == i) & (column >= j) & (column < j + length)
    return jnp.where(axis == 0, ship, ship.T)


def _blocked(board: Array, length: Array, longest: int) -> Array:
    size = board.shape[0]
    outside = jnp.ones((size, longest - 1), bool)
    padded = jnp.concatenate([board, outside], axis=1)
    windows = [
        padded[:, shift : shift + size] & (shift < length) for shift in range(longest)
    ]
    return jnp.any(jnp.stack(windows), axis=0)
