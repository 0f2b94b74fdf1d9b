"""The maze generator: its laws, its distribution against mazelib's.

Distributions are compared by two-sample chi-square tests on fixed seeds, at p > 1e-3;
mutants that these tests catch fell below 1e-100.

Mutants of `maze.py`, each seen to fail in the test named:

  a passage kept at the cell walked to             test_every_maze_is_a_tree
  first cell always (0, 0)                         test_each_tree_is_as_likely
  neighbour chosen by the square of the draw       test_each_tree_is_as_likely
  the hunt always takes the first useful cell      test_each_tree_is_as_likely
  a walk also hunts at each step (growing tree)    test_shapes_are_as_likely
  hunts never used up                              test_gives_up_as_often
  the waiting time does not count the success      test_gives_up_as_often
  the end below the start                          test_entrances_are_as_likely
"""

import random
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.popgym.maze import entrances, hunt_and_kill

SIZES = [(5, 5), (7, 7), (9, 9), (3, 6)]
P_VALUE = 1e-3


def draw(size, n, seed=0, hunts=None):
    return np.asarray(draw_all(jax.random.split(jax.random.key(seed), n), size, hunts))


@partial(jax.jit, static_argnums=1)
def draw_all(keys, size, hunts=None):
    return jax.vmap(lambda k: hunt_and_kill(k, size, hunts))(keys)


@pytest.fixture
def mazelib():
    """Mazes of the reference: `mazelib(size, n, hunts=None)` is [n, H, W]."""
    name = "mazelib.generate.HuntAndKill"
    hunt_module = pytest.importorskip(name, reason="mazelib is not installed")

    def draw_reference(size, n, hunts=None):
        random.seed(0)
        np.random.seed(0)
        generator = hunt_module.HuntAndKill(*size)
        if hunts is not None:
            whole_maze = generator._hunt_random

            def give_up_early(grid, count):
                return (-1, -1) if count >= hunts else whole_maze(grid, count)

            generator._hunt_random = give_up_early
        return np.stack([generator.generate() for _ in range(n)])

    return draw_reference


def assert_same_law(ours, theirs):
    """Two samples of integers; outcomes seen less than 20 times count as one."""
    from scipy.stats import chi2_contingency

    outcomes = np.union1d(ours, theirs)
    table = np.array([[np.sum(x == o) for o in outcomes] for x in (ours, theirs)])
    rare = table.sum(0) < 20
    table = np.c_[table[:, ~rare], table[:, rare].sum(1)]
    p = chi2_contingency(table[:, table.sum(0) > 0]).pvalue
    assert p > P_VALUE, f"p = {p:.1e} over {table.shape[1]} outcomes"


def passages(grids):
    """Which passages are open: east [n, h, w - 1] and south [n, h - 1, w]."""
    return grids[:, 1::2, 2:-1:2] == 0, grids[:, 2:-1:2, 1::2] == 0


def distances(grids, starts):
    """[n, H, W] steps from each start over free squares, -1 where out of reach."""
    reached = np.zeros(grids.shape, bool)
    reached[np.arange(len(grids)), starts[:, 0], starts[:, 1]] = True
    distance = np.where(reached, 0, -1)
    for step in range(1, grids[0].size):
        near = reached.copy()
        near[:, 1:] |= reached[:, :-1]
        near[:, :-1] |= reached[:, 1:]
        near[:, :, 1:] |= reached[:, :, :-1]
        near[:, :, :-1] |= reached[:, :, 1:]
        new = near & ~reached & (grids == 0)
        if not new.any():
            break
        distance[new] = step
        reached |= new
    return distance


@pytest.mark.parametrize("hunts", [None, 4])
@pytest.mark.parametrize("size", SIZES)
def test_every_maze_is_a_tree(size, hunts):
    grids = draw(size, 500, hunts=hunts)
    h, w = size
    assert grids.shape == (500, 2 * h + 1, 2 * w + 1) and grids.dtype == np.int8
    assert set(np.unique(grids)) == {0, 1}
    assert (grids[:, ::2, ::2] == 1).all()  # corners
    for side in (grids[:, 0], grids[:, -1], grids[:, :, 0], grids[:, :, -1]):
        assert (side == 1).all()

    cells = grids[:, 1::2, 1::2] == 0
    if hunts is None:  # 5 in 100,000 would not be, none of these
        assert cells.all()
    east, south = passages(grids)
    assert (east.sum((1, 2)) + south.sum((1, 2)) == cells.sum((1, 2)) - 1).all()
    starts = np.array([2 * np.argwhere(c)[0] + 1 for c in cells])
    assert ((distances(grids, starts) >= 0) == (grids == 0)).all()  # connected


def test_each_tree_is_as_likely(mazelib):
    # 3 x 3 cells have 192 spanning trees, 174 of which hunt-and-kill makes in 20,000
    # tries: nearly the whole law can be compared.
    def codes(grids):
        bits = np.concatenate([x.reshape(len(x), -1) for x in passages(grids)], 1)
        return bits @ (1 << np.arange(bits.shape[1]))

    ours, theirs = codes(draw((3, 3), 60_000)), codes(mazelib((3, 3), 20_000))
    assert len(np.unique(theirs)) > 150
    assert_same_law(ours, theirs)


@pytest.mark.parametrize("hunts", [0, 3, 12])
def test_gives_up_as_often(mazelib, hunts):
    def open_cells(grids):
        return (grids[:, 1::2, 1::2] == 0).sum((1, 2))

    size = (4, 5)
    ours, theirs = draw(size, 40_000, hunts=hunts), mazelib(size, 8000, hunts=hunts)
    assert (open_cells(theirs) < 20).any()
    assert_same_law(open_cells(ours), open_cells(theirs))


@pytest.mark.parametrize(
    ("size", "n"), [((5, 5), 4000), ((7, 7), 2000), ((9, 9), 1500)]
)
def test_shapes_are_as_likely(mazelib, size, n):
    ours, theirs = draw(size, 3 * n), mazelib(size, n)

    # Each passage is open as often. The z-scores are not independent, so their root
    # mean square gets room: 0.88 to 1.26 over 18 other seeds, the largest |z| 3.3.
    z = []
    for a, b in zip(passages(ours), passages(theirs), strict=True):
        p, q = a.mean(0), b.mean(0)
        variance = p * (1 - p) / len(a) + q * (1 - q) / len(b)
        z.append(((p - q) / np.sqrt(variance)).ravel())
    z = np.concatenate(z)
    assert np.sqrt(np.mean(z**2)) < 1.35 and np.abs(z).max() < 4.2

    for statistic in (dead_ends, straight_cells, longest_way):
        assert_same_law(statistic(ours), statistic(theirs))


def dead_ends(grids):
    return (degrees(grids) == 1).sum((1, 2))


def straight_cells(grids):
    free = grids == 0
    up, down = free[:, :-1:2, 1::2], free[:, 2::2, 1::2]
    left, right = free[:, 1::2, :-1:2], free[:, 1::2, 2::2]
    straight = (up & down & ~left & ~right) | (left & right & ~up & ~down)
    return straight.sum((1, 2))


def degrees(grids):
    free = (grids == 0).astype(int)
    rows = free[:, :-1:2, 1::2] + free[:, 2::2, 1::2]
    return rows + free[:, 1::2, :-1:2] + free[:, 1::2, 2::2]


def longest_way(grids):
    """From the middle of the maze, in cells."""
    middle = np.full((len(grids), 2), grids.shape[1] // 4 * 2 + 1)
    return distances(grids, middle).max((1, 2)) // 2


def test_entrances_are_as_likely():
    mazelib_module = pytest.importorskip("mazelib", reason="mazelib is not installed")
    size = (3, 5)
    keys = jax.random.split(jax.random.key(1), 40_000)
    ours = jax.jit(jax.vmap(lambda k: jnp.concatenate(entrances(k, size))))(keys)
    random.seed(1)
    maze, theirs = mazelib_module.Maze(), []
    maze.grid = np.ones((7, 11), np.int8)
    for _ in range(10_000):
        maze.generate_entrances(start_outer=True)
        theirs.append(maze.start + maze.end)
    radix = np.array([1, 11, 121, 1331])
    ours, theirs = np.asarray(ours) @ radix, np.array(theirs) @ radix
    assert set(ours) == set(theirs) and len(set(ours)) == 2 * 25 + 2 * 9
    assert_same_law(ours, theirs)


def test_solutions_are_as_long(mazelib):
    # The law of the maze and of the entrances together, at the size of Easy.
    def lengths(grids, seed):
        keys = jax.random.split(jax.random.key(seed), len(grids))
        start, end = jax.jit(jax.vmap(lambda k: entrances(k, (5, 5))))(keys)
        start, end = (np.clip(np.asarray(x), 1, 9) for x in (start, end))
        return distances(grids, start)[np.arange(len(grids)), end[:, 0], end[:, 1]] // 2

    assert_same_law(lengths(draw((5, 5), 12_000), 1), lengths(mazelib((5, 5), 6000), 2))


@pytest.mark.parametrize("size", [(2, 5), (5, 2), (5, 33)])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"got {size[0]} x {size[1]}"):
        hunt_and_kill(jax.random.key(0), size)
