"""XLand-MiniGrid: the suite's own stepping, what ended an episode, honest spaces.

Mutants, and the test that fails for each:

    every end terminates                         bare_suites, test_minigrid
    the suite keeps its own limit                limit_that_counts in test_minigrid
    the limit is that of the registered size     limit_follows_the_size
    a category too few in the space              bare_suites
    reset shows another episode's observation    bare_suites
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside, rulesets

xminigrid = pytest.importorskip("xminigrid", reason="needs the extra xland")
wrappers = pytest.importorskip("xminigrid.wrappers", reason="needs the extra xland")

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


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    path = str(rulesets.write(tmp_path_factory.mktemp("benchmark") / "own"))

    def made(name, **chosen):
        if name.startswith("XLand"):
            chosen["benchmark_path"] = path
        return envs.make(f"xland/{name}", **{"max_steps_in_episode": LIMIT, **chosen})

    return made


def bare(name, tasks):
    """`reset` and `step` of the suite's own environment, made by the suite."""
    sizes = {k: v for k, v in CASES[name].items() if not k.startswith("show")}
    env, suite = xminigrid.make(name, max_steps=LIMIT, **sizes)
    if "show_direction" in CASES[name]:
        env = wrappers.DirectionObservationWrapper(env)
    if "show_task" in CASES[name]:
        env = wrappers.RulesAndGoalsObservationWrapper(env)

    def reset(key):
        told = suite
        if tasks is not None:
            key, task_key = jax.random.split(key)
            told = suite.replace(ruleset=tasks.sample_ruleset(task_key))
        timestep = env.reset(told, key)
        return timestep.observation, timestep

    def step(key, timestep, action):
        timestep = env.step(suite, timestep, action)
        terminated, over = timestep.discount == 0, timestep.last()
        return timestep.observation, timestep, timestep.reward, terminated, over

    return reset, step


def test_the_table_has_the_suites_environments():
    assert set(SUITES["xland"].environments) == set(xminigrid.registered_environments())


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_bare_suites_until_an_end_and_a_reset_after_it(name, make):
    env, params = make(name, **CASES[name])
    actions = beside.random_actions(env, params)
    played = beside.play(env, params, *bare(name, params.tasks), actions)
    beside.assert_is_the_suites(played, env.observation_space(params), LIMIT)


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
    env, params = envs.make("xland/MiniGrid-Empty-5x5", height=7, width=6)
    assert env.default_params is params
    assert params.max_steps_in_episode == 4 * 7 * 6
    assert params.suite.height == 7 and params.suite.width == 6


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
