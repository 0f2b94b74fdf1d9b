"""The two labyrinths against popgym 1.0.7, step by step and both ways.

A trace is played in the reference, our port is opened in the same maze and given the
same actions; then the reference is opened in the mazes that our auto-reset drew. Play
is random; best (to the nearest goal or unvisited square, in a tree that is the shortest
path and depth-first search); mixed; or late, which stalls first so that the episode
terminates in the very step that the clock ends.

Mutants of `labyrinth.py`, each seen to fail in the test named (C: conformance):

  view centred by default                        C
  up and down swapped; no clip at the border     C
  last action not kept; not cleared at a reset   C
  exit not opened; opened in Explore             C
  F counts the start; reward 1/F at a revisit    C
  step cost 1/1023; exit pays 1 without the cost C
  Explore ends one square early                  C
  clock 1024                                     C
  `termination_silences_clock = True`            C (late)
  rows bounded by the height in the view         C (3 x 6 cells)
  `final_observation` of the next episode        C
  centred view padded with free squares          test_centered_view
  pool: always its first maze                    test_pool_is_used
"""

import warnings
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.popgym.labyrinth import LabyrinthEscape, LabyrinthExplore

FAMILIES = {"Escape": LabyrinthEscape, "Explore": LabyrinthExplore}
SIZES = {"easy": (5, 5), "medium": (7, 7), "hard": (9, 9), "wide": (3, 6)}
RANDOM_PLAY = {  # mean and standard deviation of return and of length, 1000 episodes
    ("Escape", "easy"): (-0.418, 0.747, 827.3, 299.8),
    ("Escape", "hard"): (-0.967, 0.202, 1015.9, 57.4),
    ("Explore", "easy"): (-0.361, 0.183, 1022.3, 13.1),
    ("Explore", "hard"): (-0.745, 0.092, 1023.0, 0.0),
}
MOVES = [(0, -1), (0, 1), (-1, 0), (1, 0)]
LIMIT, EXTRA = 1023, 40
ENVS = {(f, s): FAMILIES[f](*SIZES[s]) for f in FAMILIES for s in SIZES}


class Reference:
    """popgym's environment, opened from a seed or in a given maze."""

    def __init__(self, family, size):
        module = f"popgym.envs.labyrinth_{family.lower()}"
        why = "popgym[navigation] is not installed"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = pytest.importorskip(module, reason=why)
            dims = tuple(2 * n for n in size)
            self.env = getattr(module, f"Labyrinth{family}")(dims)
        self.actions, self.steps = [], []

    def reset(self, seed=0, hidden=None):
        from mazelib import Maze
        from popgym.core import maze as popgym_maze

        class Given(Maze):
            def generate(self):
                self.grid = hidden["grid"].copy()

            def generate_entrances(self, **_):
                self.start = tuple(map(int, hidden["start"]))
                self.end = tuple(map(int, hidden["end"]))

        with pytest.MonkeyPatch.context() as patch:
            if hidden is not None:
                patch.setattr(popgym_maze, "Maze", Given)
            obs, _ = self.env.reset(seed=seed)
        self.actions, self.steps = [], []
        self.first = (obs, self.env.get_state())
        return self

    @property
    def hidden(self):
        maze = self.env.maze
        grid = maze.grid.copy()
        grid[maze.start] = grid[maze.end] = 1
        return {"grid": grid, "start": np.array(maze.start), "end": np.array(maze.end)}

    @property
    def over(self):
        return bool(self.steps) and (self.steps[-1][2] or self.steps[-1][3])

    def step(self, action):
        obs, reward, terminated, truncated, _ = self.env.step(int(action))
        self.actions.append(int(action))
        self.steps.append((obs, reward, terminated, truncated, self.env.get_state()))

    def best_action(self):
        """The first step of a shortest way to the exit, or to an unvisited square."""
        grid, explored = self.env.maze.grid, self.env.explored
        escape = (grid == 3).any()
        ways, seen = [(tuple(self.env.position), None)], {tuple(self.env.position)}
        for (y, x), first in ways:
            if grid[y, x] == 3 if escape else not explored[y, x]:
                return first
            for action, (dy, dx) in enumerate(MOVES):
                to = (y + dy, x + dx)
                inside = 0 <= to[0] < grid.shape[0] and 0 <= to[1] < grid.shape[1]
                if inside and grid[to] != 1 and to not in seen:
                    seen.add(to)
                    ways.append((to, action if first is None else first))
        raise AssertionError("no way on: an unfinished maze, choose another seed")

    def play(self, style, rng):
        """To the end of the episode."""
        if style == "late":
            hidden = self.play("best", rng).hidden
            actions = self.actions
            outwards = actions[0] ^ 1  # the pairs of opposites are 0, 1 and 2, 3
            self.reset(hidden=hidden)
            for action in [outwards] * (LIMIT - len(actions)) + actions:
                self.step(action)
            assert self.over
        while not self.over:
            guess = style == "random" or (style == "mixed" and rng.random() < 0.5)
            self.step(rng.integers(4) if guess else self.best_action())
        return self


@partial(jax.jit, static_argnums=0)
def rollout(env, state, actions, key):
    """Steps of the port, auto-reset included; everything [T, ...]."""

    def one(state, xs):
        key, action = xs
        obs, state, *outcome, info = env.step(key, state, action, env.default_params)
        shown = env.explored_grid(state)
        return state, (obs, info["final_observation"], *outcome, shown, state)

    return jax.lax.scan(one, state, (jax.random.split(key, actions.size), actions))[1]


def replay(env, state, actions, seed=0):
    """`rollout` over the actions and EXTRA random ones, at one compiled length."""
    rest = np.random.default_rng(seed).integers(4, size=LIMIT + EXTRA)
    rest[: len(actions)] = actions
    out = rollout(env, state, jnp.asarray(rest, jnp.int32), jax.random.key(seed))
    return rest, jax.tree.map(np.asarray, out)


def one_hot(symbols):
    return np.eye(5, dtype=np.float32)[symbols].reshape(50)


def hidden_of(env, state):
    """What the state was opened from; in Explore the end leaves no trace."""
    grid, start = np.array(state.grid), np.array(state.position)
    end = np.array(env.shape) - 1 - start
    if (grid == 3).any():
        end = np.argwhere(grid == 3)[0]
    grid[grid > 1] = 1
    return {"grid": grid, "start": start, "end": end}


def assert_conforms(steps, out, at=0):
    """Our steps from `at` on are the reference's `steps`."""
    obs, final, reward, terminated, truncated, shown, _ = out
    for t, (ref_obs, ref_reward, *ref_flags, ref_state) in enumerate(steps, at):
        np.testing.assert_array_equal(final[t], one_hot(ref_obs), err_msg=f"t={t}")
        np.testing.assert_allclose(reward[t], ref_reward, rtol=0, atol=1e-7)
        assert [bool(terminated[t]), bool(truncated[t])] == ref_flags, t
        if not any(ref_flags):
            np.testing.assert_array_equal(obs[t], final[t])
            np.testing.assert_array_equal(shown[t], ref_state)


@pytest.mark.parametrize("style", ["random", "best", "mixed", "late"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("family", FAMILIES)
def test_conforms_to_popgym(family, size, style):
    env, rng = ENVS[family, size], np.random.default_rng(1)
    reference = Reference(family, SIZES[size])
    for seed in range(2):
        reference.reset(seed=seed).play(style, rng)
        obs, state = env.state_from(reference.hidden, env.default_params)
        np.testing.assert_array_equal(obs, one_hot(reference.first[0]))
        np.testing.assert_array_equal(env.explored_grid(state), reference.first[1])
        steps, length = reference.steps, len(reference.steps)
        if style == "late":
            assert length == LIMIT and steps[-1][2] and steps[-1][3]

        actions, out = replay(env, state, reference.actions, seed)
        assert_conforms(steps, out)

        # Over the end: the reference continues in the maze that our auto-reset drew.
        after = jax.tree.map(lambda x: x[length - 1], out)  # noqa: B023
        reference.reset(hidden=hidden_of(env, after[-1]))
        np.testing.assert_array_equal(after[0], one_hot(reference.first[0]))
        np.testing.assert_array_equal(after[-2], reference.first[1])
        assert after[-1].time == 0
        for action in actions[length : length + EXTRA]:
            if not reference.over:
                reference.step(action)
        assert_conforms(reference.steps, out, at=length)


@pytest.mark.parametrize("size", ["easy", "wide"])
@pytest.mark.parametrize("family", FAMILIES)
def test_popgym_plays_our_resets(family, size):
    env, rng = ENVS[family, size], np.random.default_rng(2)
    keys = jax.random.split(jax.random.key(5), 4)
    all_obs, states = jax.vmap(env.reset, (0, None))(keys, env.default_params)
    reference = Reference(family, SIZES[size])
    for i, style in enumerate(["random", "best", "mixed", "late"]):
        state = jax.tree.map(lambda x: x[i], states)  # noqa: B023
        reference.reset(hidden=hidden_of(env, state))
        np.testing.assert_array_equal(all_obs[i], one_hot(reference.first[0]))
        reference.play(style, rng)
        assert_conforms(reference.steps, replay(env, state, reference.actions)[1])


def test_centered_view():
    env = LabyrinthEscape(5, 5, centered_view=True)
    hidden = {"grid": np.ones((11, 11), int), "start": (0, 3), "end": (10, 5)}
    hidden["grid"][1, 1:10] = 0
    obs, _ = env.state_from(hidden, env.default_params)
    # Above and beside the start there is wall, below it the cell.
    assert obs.reshape(10, 5).argmax(1).tolist() == [1, 1, 1, 1, 2, 1, 0, 0, 0, 4]
    obs, _ = ENVS["Escape", "easy"].state_from(hidden, env.default_params)
    assert obs.reshape(10, 5).argmax(1).tolist() == [1, 2, 1, 0, 0, 0, 1, 1, 1, 4]


def test_pool_is_used():
    env = ENVS["Explore", "easy"]
    params = env.with_pool(jax.random.key(7), env.default_params, num_mazes=8)
    keys = jax.random.split(jax.random.key(8), 200)
    _, state = jax.vmap(env.reset, (0, None))(keys, params)
    inner = np.asarray(state.grid)[:, 1:-1, 1:-1].reshape(200, -1)
    pool = np.asarray(params.mazes)[:, 1:-1, 1:-1].reshape(8, -1)
    count = (inner[:, None] == pool[None]).all(-1).sum(0)
    assert count.sum() == 200 and (count > 8).all()
    assert len(np.unique(state.position, axis=0)) == 20


@pytest.mark.parametrize(("family", "size"), RANDOM_PLAY)
def test_random_play_returns_what_the_reference_does(family, size):
    env, n = ENVS[family, size], 512
    params = env.default_params

    @jax.jit
    def play(key):
        key, reset = jax.random.split(key)
        _, state = jax.vmap(env.reset, (0, None))(jax.random.split(reset, n), params)

        def one(carry, key):
            state, alive, returns, length = carry
            action = jax.random.randint(key, (n,), 0, 4)
            _, state, reward, terminated, _ = jax.vmap(
                env.step_env, (None, 0, 0, None)
            )(key, state, action, params)
            returns += jnp.where(alive, reward, 0.0)
            length += alive.astype(jnp.int32)
            return (state, alive & ~terminated, returns, length), None

        start = (state, jnp.ones(n, bool), jnp.zeros(n), jnp.zeros(n, jnp.int32))
        return jax.lax.scan(one, start, jax.random.split(key, LIMIT))[0][2:]

    for ours, mean, sd in zip(
        play(jax.random.key(9)),
        RANDOM_PLAY[family, size][::2],
        RANDOM_PLAY[family, size][1::2],
        strict=True,
    ):
        ours = np.asarray(ours, float)
        # The table is rounded to 0.0005 in the return and 0.05 in the length.
        rounding = 0.0005 if sd < 1 and abs(mean) < 1 else 0.05
        error = np.sqrt(sd**2 / 1000 + ours.var() / n)
        assert abs(ours.mean() - mean) < 4 * error + rounding


def test_spaces_and_picture():
    env = ENVS["Escape", "easy"]
    obs, state = env.reset(jax.random.key(0))
    assert env.observation_space().contains(obs) and env.num_actions == 4
    assert obs.shape == (50,) and obs.dtype == jnp.float32
    markov = env.markov_state(state, env.default_params).reshape(11, 11, 5)
    np.testing.assert_array_equal(markov.argmax(-1), env.explored_grid(state))
    picture = env.render(state, scale=4)
    assert picture.shape == (44, 44, 3) and picture.dtype == np.uint8
    y, x = 4 * np.asarray(state.position)
    assert picture[y, x].tolist() == [220, 50, 40]
    assert (picture == picture[y, x]).all(-1).sum() == 16


def test_a_maze_of_another_size_is_refused():
    hidden = {"grid": np.ones((15, 15)), "start": (0, 1), "end": (14, 1)}
    with pytest.raises(ValueError, match=r"\(11, 11\); got \(15, 15\)"):
        LabyrinthEscape().state_from(hidden, None)
