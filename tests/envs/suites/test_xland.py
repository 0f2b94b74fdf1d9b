"""XLand-MiniGrid: the suite's own stepping, what ended an episode, honest spaces.

Mutants, and the test that fails for each:

    every end terminates                         clock_truncates
    the suite keeps its own limit                limit_that_counts
    the limit is that of the registered size     limit_follows_the_size
    a category too few in the space              inside_the_space
    reset shows another episode's observation    automatic_reset_is_a_reset
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside, rulesets

xminigrid = pytest.importorskip("xminigrid")
wrappers = pytest.importorskip("xminigrid.wrappers")

pytestmark = [
    pytest.mark.suites,
    pytest.mark.lenient,  # the suite promotes ranks in its own code
    pytest.mark.usefixtures("quick_compilation"),
]

LIMIT = 15
CASES = {
    "MiniGrid-EmptyRandom-5x5": {},
    "MiniGrid-MemoryS8": dict(show_direction=True),
    "MiniGrid-DoorKey-5x5": dict(view_size=5),
    "MiniGrid-Playground": dict(num_objects=5),
    "XLand-MiniGrid-R1-9x9": dict(show_direction=True, show_task=True),
    "XLand-MiniGrid-R4-9x9": {},
}
FORWARD, RIGHT, LEFT = 0, 1, 2
TO_THE_GOAL = [FORWARD, FORWARD, RIGHT, FORWARD, FORWARD]  # MiniGrid-Empty-5x5


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    path = str(rulesets.write(tmp_path_factory.mktemp("benchmark") / "own"))

    def made(name, **chosen):
        if name.startswith("XLand"):
            chosen["benchmark_path"] = path
        return envs.make(f"xland/{name}", **{"max_steps_in_episode": LIMIT, **chosen})

    return made


@pytest.fixture(scope="module")
def played(make):
    return functools.cache(functools.partial(play, make))


def play(make, name):
    env, params = make(name, **CASES[name])
    sizes = {k: v for k, v in CASES[name].items() if not k.startswith("show")}
    bare, suite = xminigrid.make(name, max_steps=LIMIT, **sizes)
    if "show_direction" in CASES[name]:
        bare = wrappers.DirectionObservationWrapper(bare)
    if "show_task" in CASES[name]:
        bare = wrappers.RulesAndGoalsObservationWrapper(bare)

    def reset(key):
        told = suite
        if params.tasks is not None:
            key, task_key = jax.random.split(key)
            told = suite.replace(ruleset=params.tasks.sample_ruleset(task_key))
        timestep = bare.reset(told, key)
        return timestep.observation, timestep

    def step(key, timestep, action):
        timestep = bare.step(suite, timestep, action)
        terminated = timestep.discount == 0
        return (
            timestep.observation, timestep, timestep.reward, timestep.last(), terminated
        )  # fmt: skip

    return env, params, beside.play(env, params, reset, step)


def test_the_table_has_the_suites_environments():
    assert set(SUITES["xland"].environments) == set(xminigrid.registered_environments())


@pytest.mark.parametrize("name", CASES)
def test_stepping_is_the_suites(name, played):
    beside.assert_stepping_is_the_suites(played(name)[2])


@pytest.mark.parametrize("name", CASES)
def test_an_automatic_reset_is_a_reset(name, played):
    beside.assert_an_automatic_reset_is_a_reset(played(name)[2])


@pytest.mark.parametrize("name", CASES)
def test_truncated_means_out_of_time(name, played):
    beside.assert_truncated_means_out_of_time(played(name)[2], LIMIT)


@pytest.mark.parametrize("name", CASES)
def test_observations_are_inside_the_space(name, played):
    env, params, p = played(name)
    space = env.observation_space(params)
    for obs in (p.first[0], p.obs, p.final):
        beside.assert_inside(space, obs)


def test_a_hidden_goal_terminates(make):
    """The drawn task is to be near a tile; the agent is put two cells before it."""
    env, params = make("XLand-MiniGrid-R1-9x9", split="all")
    near = xminigrid.core.goals.AgentNearGoal.encode
    tile = xminigrid.core.constants.TILES_REGISTRY[3, 1]  # a red ball

    def before_it(state):
        inner = state.inner.state
        grid = xminigrid.core.grid.room(9, 9).at[4, 5].set(tile)
        agent = inner.agent.replace(position=jnp.array([4, 3]), direction=jnp.array(1))
        goal = near(xminigrid.core.goals.AgentNearGoal(tile))
        inner = inner.replace(grid=grid, agent=agent, goal_encoding=goal)
        return state.replace(inner=state.inner.replace(state=inner))

    rows = beside.steps_of(env, params, [LEFT, RIGHT, FORWARD], change=before_it)
    assert [bool(row[1]) for row in rows] == [False, False, True]
    assert not any(row[2] for row in rows)
    np.testing.assert_allclose(rows[-1][0], 1 - 0.9 * 3 / LIMIT, rtol=1e-6)


@pytest.mark.parametrize("name", SUITES["xland"].environments)
def test_every_environment_is_made_with_the_suites_limit(name, make):
    env, params = make(name, max_steps_in_episode=None)
    obs, _ = jax.eval_shape(env.reset, jax.random.key(0), params)
    space = env.observation_space(params)
    assert (obs.shape, obs.dtype) == (space.shape, space.dtype)
    assert params.max_steps_in_episode == xminigrid.make(name)[1].max_steps


def test_the_limit_follows_the_size():
    _, params = envs.make("xland/MiniGrid-Empty-5x5", height=7, width=6)
    assert params.max_steps_in_episode == 4 * 7 * 6
    assert params.suite.height == 7 and params.suite.width == 6


def test_the_goal_terminates_and_does_not_truncate(make):
    *before, last = beside.steps_of(*make("MiniGrid-Empty-5x5"), TO_THE_GOAL)
    assert all(tuple(row) == (0.0, False, False) for row in before)
    assert tuple(last[1:]) == (True, False)
    np.testing.assert_allclose(last[0], 1 - 0.9 * 5 / LIMIT, rtol=1e-6)


def test_the_goal_in_the_last_step_is_both(make):
    env, params = make("MiniGrid-Empty-5x5", max_steps_in_episode=5)
    _, terminated, truncated = beside.steps_of(env, params, TO_THE_GOAL)[-1]
    assert terminated and truncated


def test_the_clock_truncates_and_does_not_terminate(make):
    env, params = make("MiniGrid-Empty-5x5", max_steps_in_episode=3)
    rows = beside.steps_of(env, params, [LEFT] * 6)
    assert [bool(row[1]) for row in rows] == [False] * 6
    assert [bool(row[2]) for row in rows] == [False, False, True] * 2


def test_the_limit_that_counts_is_the_one_in_the_reward(make):
    env, params = make("MiniGrid-Empty-5x5")
    params = params.replace(max_steps_in_episode=10)
    reward, terminated, _ = beside.steps_of(env, params, TO_THE_GOAL)[-1]
    assert terminated
    np.testing.assert_allclose(reward, 1 - 0.9 * 5 / 10, rtol=1e-6)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (dict(view_size=4), "view_size must be odd.*got 4"),
        (dict(height=2), "height is too small; got 2"),
        (dict(view="7"), "did you mean 'view_size'"),
        (dict(benchmark="small-1m"), "has no parameter 'benchmark'"),
        (dict(show_direction=1), "show_direction must be bool; got 1"),
        (dict(max_steps_in_episode=2.0), "must be a positive integer; got 2.0"),
    ],
)
def test_what_cannot_work_is_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        envs.make("xland/MiniGrid-Empty-5x5", **chosen)
