"""Jumanji: ours is the bare suite's, its time limit truncates, its values are in space.

Mutants, and the test written to fail for each (not all tried yet):

    the suite's clock is left running          runs_out_of_time
    a last step with discount 1 terminates     discount_one
    every last step truncates                  bare_suites
    integers are not counted from the lowest   counted_from
    actions column-major                       row_major
    TSP's position as its spec has it          in_its_space
    Game2048's board unbounded                 categories
    step_count bounded by the clock put off    runs_out_of_time
"""

import functools
import importlib.util
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from tests.envs.suites import beside

pytestmark = [
    pytest.mark.suites,
    pytest.mark.skipif(
        importlib.util.find_spec("jumanji") is None, reason="needs the extra jumanji"
    ),
    pytest.mark.lenient,  # SlidingTilePuzzle adds [2] to [4, 2]
    pytest.mark.usefixtures("quick_compilation"),
]


@functools.cache
def make(name, **params):
    return envs.make(f"jumanji/{name}", **params)


def plain(observation, minimum):
    """A nest of dicts, truth values as float32, integers counted from `minimum`."""
    if hasattr(observation, "_asdict"):
        observation = observation._asdict()
    elif not hasattr(observation, "dtype"):
        observation = dict(vars(observation))
    if isinstance(observation, dict):
        return {k: plain(v, minimum.get(k)) for k, v in observation.items()}
    if observation.dtype == bool:
        return observation.astype(jnp.float32)
    return observation - minimum if minimum else observation


def bare(name, minimum, split=lambda action: action):
    """`reset` and `step` of the suite's own environment, made by the suite."""
    import jumanji

    env = jumanji.make(name)

    def reset(key):
        state, timestep = env.reset(key)
        return plain(timestep.observation, minimum), state

    def step(key, state, action):
        state, timestep = env.step(state, split(action))
        obs = plain(timestep.observation, minimum)
        return obs, state, timestep.reward, timestep.last(), None

    return reset, step


def by_hand(*sizes):
    """Row-major, by division: the last part varies fastest."""

    def split(action):
        parts = []
        for size in reversed(sizes):
            parts.append(action % size)
            action = action // size
        return jnp.stack(parts[::-1]).astype(jnp.int32)

    return split


@pytest.mark.parametrize(
    "name, minimum, sizes",
    [
        ("Snake-v1", {}, ()),
        ("Minesweeper-v0", {"board": -1}, (10, 10)),
        ("TSP-v1", {"position": -1, "trajectory": -1}, ()),
    ],
)
def test_it_is_the_bare_suites_until_an_end_and_a_reset_after_it(name, minimum, sizes):
    env, params = make(name)
    limit = 5
    params = params.replace(max_steps_in_episode=limit)
    theirs = bare(name, minimum, by_hand(*sizes) if sizes else lambda action: action)
    actions = beside.random_actions(env, params, steps=20)
    played = beside.play(env, params, *theirs, actions)
    space = env.observation_space(params)
    beside.assert_is_the_suites(played, space, limit, tolerance=1e-6)
    # A snake that has died, or a mine, is the game's end and not the clock's.
    assert (played.terminated & ~played.truncated).any()


@pytest.mark.parametrize("name", ["RubiksCube-partly-scrambled-v0", "Maze-v0"])
def test_a_game_that_runs_out_of_time_is_truncated_and_not_terminated(name):
    import jumanji

    env, params = make(name)
    limit = jumanji.make(name).time_limit
    assert params.max_steps_in_episode == limit == {"R": 20, "M": 100}[name[0]]
    # One action only: neither solves a cube nor leaves the maze's first wall.
    actions = jnp.full((1, 2 * limit + 3), 0)
    ours = stepped(env, params, actions)
    np.testing.assert_array_equal(
        np.flatnonzero(ours["truncated"]), [limit - 1, 2 * limit - 1]
    )
    assert not ours["terminated"].any()
    assert ours["final"]["step_count"].max() == limit
    beside.assert_inside(env.observation_space(params), ours["final"])


def stepped(env, params, actions):
    """`obs, final, terminated, truncated` of ours alone, [B, T, ...]."""

    def step(state, action_and_key):
        action, key = action_and_key
        obs, state, _, terminated, truncated, info = env.step(
            key, state, action, params
        )
        out = {"obs": obs, "final": info["final_observation"]}
        return state, out | {"terminated": terminated, "truncated": truncated}

    def lane(key, actions):
        _, state = env.reset(key, params)
        keys = jax.random.split(key, len(actions))
        return jax.lax.scan(step, state, (actions, keys))[1]

    keys = jax.random.split(jax.random.key(2), len(actions))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(lane))(keys, actions))


def test_a_last_step_with_discount_one_is_truncated():
    from envs.suites.jumanji import Jumanji

    class Cut:
        """Snake, whose every end is a cut."""

        def __init__(self, env):
            self.env = env

        def __getattr__(self, name):
            return getattr(self.env, name)

        def step(self, state, action):
            state, timestep = self.env.step(state, action)
            return state, timestep.replace(discount=jnp.ones(()))

    env, params = make("Snake-v1")
    actions = jnp.zeros((2, 30), int)  # up, into the wall
    whole = stepped(env, params, actions)
    cut = stepped(Jumanji(Cut(env.bare), env.name, params), params, actions)
    assert whole["terminated"].any() and not whole["truncated"].any()
    np.testing.assert_array_equal(cut["truncated"], whole["terminated"])
    assert not cut["terminated"].any()


@pytest.mark.parametrize(
    "name, sizes", [("RubiksCube-v0", (6, 1, 3)), ("Tetris-v0", (4, 10))]
)
def test_one_action_stands_for_its_parts_in_row_major_order(name, sizes):
    env, params = make(name)
    number = env.action_space(params).n
    parts = jax.vmap(env.parts)(jnp.arange(number))
    want = list(itertools.product(*map(range, sizes)))
    np.testing.assert_array_equal(parts, want)
    assert parts.dtype == env.bare.action_spec.dtype


@pytest.mark.parametrize(
    "name",
    [
        "Game2048-v1",
        "GraphColoring-v1",
        "Knapsack-v1",
        "PacMan-v1",
        "CVRP-v1",
        "TSP-v1",
    ],
)
def test_what_is_observed_is_in_its_space(name):
    env, params = make(name)
    number = env.action_space(params).n
    actions = jax.random.randint(jax.random.key(0), (3, 60), 0, number)
    ours = stepped(env, params, actions)
    space = env.observation_space(params)
    beside.assert_inside(space, ours["obs"])
    beside.assert_inside(space, ours["final"])
    _, shape = envs.make(f"jumanji/{name}", history=True)
    assert shape == params


def test_integers_are_categories_counted_from_the_lowest():
    def field(name, which):
        env, params = make(name)
        box = env.observation_space(params).spaces[which]
        return box.low, box.high, box.shape, np.dtype(box.dtype).name

    # Exponents of tiles: 2^17 is the highest that 16 cells allow.
    assert field("Game2048-v1", "board") == (0, 17, (4, 4), "int32")
    assert field("Minesweeper-v0", "board") == (0, 9, (10, 10), "int32")
    assert field("RubiksCube-v0", "cube") == (0, 5, (6, 3, 3), "int8")
    assert field("Snake-v1", "grid") == (0.0, 1.0, (12, 12, 5), "float32")
    assert field("Snake-v1", "step_count") == (0, 4000, (), "int32")


def test_a_field_is_counted_from_the_suites_lowest_value():
    env, params = make("Minesweeper-v0")
    obs, state = env.reset(jax.random.key(0), params)
    assert (state.inner.board == -1).all() and (obs["board"] == 0).all()


def test_numbers_of_the_constructor_can_be_chosen():
    env, params = envs.make("jumanji/Snake-v1", num_rows=5, max_steps_in_episode=9)
    space = env.observation_space(params)
    assert space.spaces["grid"].shape == (5, 12, 5) and params.max_steps_in_episode == 9
    assert space.spaces["step_count"].high == 9
    assert make("Knapsack-v1")[1].max_steps_in_episode == 10_000


@pytest.mark.parametrize(
    "params, words",
    [
        ({"num_row": 5}, "no parameter 'num_row'; did you mean 'num_rows'"),
        ({"time_limit": 5}, "no parameter 'time_limit'"),
        ({"num_rows": 5.5}, "num_rows must be int; got 5.5"),
    ],
)
def test_what_is_mistyped_is_refused(params, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        envs.make("jumanji/Snake-v1", **params)
