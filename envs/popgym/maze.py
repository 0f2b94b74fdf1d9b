"""Hunt-and-kill mazes under `jit` and `vmap`, with the law of mazelib 0.9.16.

`h` x `w` cells become a grid of (2h+1) x (2w+1) squares, 0 free and 1 wall: cell (r, c)
is square (2r+1, 2c+1), the squares between cells are passages, the rest is wall.

The law being reproduced (`HuntAndKill`, `hunt_order="random"`):

1. A uniformly drawn cell is opened, and a walk starts there.
2. The walk moves to a uniform unopened neighbour, opening it and the passage, until it
   has none.
3. A hunt names a uniform cell of the whole maze. If it is open the walk goes on from
   there; otherwise nothing happens. There are exactly H * W hunts (squares, not cells).

So the reference may give up: 2 mazes in 100,000 (5 x 5 cells) to 6 (9 x 9) keep a cell
shut, with no passage to it. That belongs to the law and is kept.

Most hunts change nothing, because they name a shut cell or one whose neighbours are all
open. Their number until a useful one is geometric, and the useful cell is uniform among
the useful ones; drawing these two numbers replaces the idle hunts, so the work is one
step per cell. Uniform choices are made from 23-bit numbers, which bends probabilities
by less than 1e-5.

A set of cells is held as one 32-bit word per row, column c in bit c.
"""

import functools

import jax
import jax.numpy as jnp
from jax import Array

MAX_WIDTH = 32  # bits in a word


def hunt_and_kill(key: Array, size: tuple[int, int], hunts: int | None = None) -> Array:
    """Draws one maze.

    Args:
      key: consumed.
      size: (h, w) in cells; static.
      hunts: how many cells are named before the maze is left as it is. None is the
        reference's H * W; the tests ask for fewer, to see it give up often.

    Returns:
      [2h+1, 2w+1] int8, 0 free and 1 wall, without entrances.

    Raises:
      ValueError: if a side is below 3 (mazelib's limit) or a row does not fit a word.
    """
    h, w = checked_size(size)
    hunts = (2 * h + 1) * (2 * w + 1) if hunts is None else hunts
    draws = jax.random.uniform(key, (h * w, 3), jnp.float32)
    row, col = _below(draws[0, 0], h), _below(draws[0, 1], w)

    empty = jnp.zeros(h, jnp.uint32)
    opened = empty.at[row].set(_bit(col))
    carry = (opened, empty, empty, row, col, jnp.int32(hunts))
    (opened, east, south, *_), _ = jax.lax.scan(
        functools.partial(_open_one_cell, w), carry, draws[1:]
    )
    return _to_grid(opened, east, south, w)


def entrances(key: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    """Draws a start on a uniform outer wall and an end on the opposite one.

    Args:
      key: consumed.
      size: (h, w) in cells; static.

    Returns:
      `(start, end)`, each [2] int32 (row, column) of a wall square beside a cell. The
      squares are not opened, as in mazelib.
    """
    h, w = checked_size(size)
    draws = jax.random.uniform(key, (5,), jnp.float32)
    side = _below(draws[0], 4)  # north, south, west, east
    rows = 2 * _below(draws[1:3], h) + 1
    cols = 2 * _below(draws[3:], w) + 1
    either = jnp.array([[0, 1], [1, 0]], jnp.int32)
    across = jnp.where(side % 2 == 0, either[0], either[1])
    north_south = jnp.stack([across * (2 * h), cols], axis=1)
    west_east = jnp.stack([rows, across * (2 * w)], axis=1)
    start, end = jnp.where(side < 2, north_south, west_east)
    return start, end


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size as two ints; ValueError if no maze of it can be drawn."""
    h, w = size
    if h < 3 or not 3 <= w <= MAX_WIDTH:
        raise ValueError(
            f"a maze wants at least 3 x 3 cells and at most {MAX_WIDTH} columns; "
            f"got {h} x {w}."
        )
    return int(h), int(w)


def _open_one_cell(w: int, carry, draw: Array):
    """Opens one more cell: from the walk if it can go on, else after a hunt."""
    opened, east, south, row, col, hunts = carry
    h = opened.shape[0]
    shut = ~opened & jnp.uint32((1 << w) - 1)
    above, below = _shift_rows(shut)
    useful = opened & (above | below | shut << 1 | shut >> 1)

    dead_end = (useful[row] >> col.astype(jnp.uint32)) & 1 == 0
    number = jnp.sum(jax.lax.population_count(useful), dtype=jnp.int32)
    hunts -= jnp.where(
        dead_end, _waiting_time(draw[0], jnp.float32(number) / (h * w)), 0
    )
    hunted_row, hunted_col = _nth_cell(useful, _below(draw[1], number), w)
    row = jnp.where(dead_end, hunted_row, row)
    col = jnp.where(dead_end, hunted_col, col)

    at = col.astype(jnp.uint32)
    choices = jnp.stack(
        [
            above[row] >> at,
            below[row] >> at,
            (shut << 1)[row] >> at,
            shut[row] >> at + 1,
        ]
    ).astype(jnp.int32)
    choices &= 1  # up, down, left, right
    n_choices = jnp.sum(choices, dtype=jnp.int32)
    upto = jnp.cumsum(choices, dtype=jnp.int32)
    direction = jnp.sum(upto <= _below(draw[2], n_choices), dtype=jnp.int32)
    # Once the hunts are spent (they stay negative) nothing is opened any more.
    go = (hunts >= 0) & (n_choices > 0)
    up, down, left, right = jnp.arange(4, dtype=jnp.int32) == direction
    next_row = jnp.where(go, row + down.astype(jnp.int32) - up.astype(jnp.int32), row)
    next_col = jnp.where(
        go, col + right.astype(jnp.int32) - left.astype(jnp.int32), col
    )

    def mark(words, where, r, c):
        return words | jnp.where(
            where & (jnp.arange(h, dtype=jnp.int32) == r), _bit(c), jnp.uint32(0)
        )

    opened = mark(opened, go, next_row, next_col)
    # A passage is kept at its western or northern cell.
    east = mark(east, go & (left | right), row, jnp.minimum(col, next_col))
    south = mark(south, go & (up | down), jnp.minimum(row, next_row), col)
    return (opened, east, south, next_row, next_col, hunts), None


def _shift_rows(words: Array) -> tuple[Array, Array]:
    """For each row the row above it and the row below it, empty outside the maze."""
    edge = jnp.zeros(1, words.dtype)
    return jnp.append(edge, words[:-1]), jnp.append(words[1:], edge)


def _waiting_time(u: Array, chance: Array) -> Array:
    """Number of trials up to and with the first success, very many if chance is 0."""
    idle = jnp.floor(jnp.log1p(-u) / jnp.log1p(-chance))
    return jnp.where(chance > 0, jnp.minimum(idle, 1e6), 1e6).astype(jnp.int32) + 1


def _below(u: Array, n: Array | int) -> Array:
    """Uniform integers in [0, n) from uniform numbers in [0, 1)."""
    return jnp.floor(u * jnp.asarray(n, u.dtype)).astype(jnp.int32)


def _nth_cell(words: Array, n: Array, w: int) -> tuple[Array, Array]:
    """Row and column of the n-th cell of a set, counted row by row from 0."""
    counts = jax.lax.population_count(words).astype(jnp.int32)
    upto = jnp.cumsum(counts, dtype=jnp.int32)
    # The minimum is for the empty set only: its answer is never used.
    row = jnp.minimum(jnp.sum(upto <= n, dtype=jnp.int32), words.shape[0] - 1)
    bits = _unpack(words[row][None], w)[0].astype(jnp.int32)
    before = jnp.cumsum(bits, dtype=jnp.int32)
    col = jnp.sum(before <= n - upto[row] + counts[row], dtype=jnp.int32)
    return row, jnp.minimum(col, w - 1)


def _bit(col: Array) -> Array:
    return jnp.uint32(1) << col.astype(jnp.uint32)


def _unpack(words: Array, w: int) -> Array:
    """[h] words as [h, w] bits, int8."""
    return (words[:, None] >> jnp.arange(w, dtype=words.dtype)[None] & 1).astype(
        jnp.int8
    )


def _to_grid(opened: Array, east: Array, south: Array, w: int) -> Array:
    h = opened.shape[0]
    cell, right, below = (1 - _unpack(x, w) for x in (opened, east, south))
    corner = jnp.ones_like(cell)
    tiles = jnp.stack([cell, right, below, corner], -1).reshape(h, w, 2, 2)
    grid = tiles.transpose(0, 2, 1, 3).reshape(2 * h, 2 * w)
    return jnp.pad(grid, ((1, 0), (1, 0)), constant_values=1)
