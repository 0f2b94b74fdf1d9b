"""Navix: the suite's own stepping, what ended an episode, and honest spaces.

Mutants, and the test that fails for each:

    every end terminates                         clock_truncates
    the suite keeps its own limit                limit_that_counts
    one key for every reset                      automatic_reset_is_a_reset
    the mission is always red                    stepping_is_the_suites
    an entity too few in the space               every_environment_is_made
    the cache of drawings stays in the state     nothing_is_kept
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside

navix = pytest.importorskip("navix")

pytestmark = [
    pytest.mark.suites,
    pytest.mark.lenient,  # the suite promotes ranks in its own code
    pytest.mark.usefixtures("quick_compilation"),
]

LIMIT = 15
CASES = {
    "Navix-Empty-Random-5x5-v0": {},
    "Navix-Empty-5x5-v0": dict(observation="rgb", penality_coeff=0.9),
    "Navix-DoorKey-Random-5x5-v0": dict(observation="symbolic_first_person"),
    "Navix-Dynamic-Obstacles-5x5-Random-v0": dict(observation="rgb_first_person"),
    "Navix-LavaGapS5-v0": {},
    "Navix-GoToDoor-5x5-v0": {},
}
LEFT, RIGHT, FORWARD, DONE = 0, 1, 2, 6
TO_THE_GOAL = [FORWARD, FORWARD, RIGHT, FORWARD, FORWARD]  # Navix-Empty-5x5-v0


def make(name, **chosen):
    return envs.make(f"navix/{name}", **{"max_steps_in_episode": LIMIT, **chosen})


@functools.cache
def played(name):
    env, params = make(name, **CASES[name])
    chosen = dict(CASES[name])
    seen = getattr(navix.observations, chosen.pop("observation", "symbolic"))
    bare = navix.make(name, max_steps=LIMIT, observation_fn=seen, **chosen)

    def told(timestep):
        if timestep.state.mission is None:
            return timestep.observation
        mission = timestep.state.mission.colour.astype(jnp.int32)
        return {"image": timestep.observation, "mission": mission}

    def reset(key):
        timestep = bare.reset(key)
        return told(timestep), timestep

    def step(key, timestep, action):
        timestep = bare.step(timestep, action)
        over, terminated = timestep.is_done(), timestep.is_termination()
        return told(timestep), timestep, timestep.reward, over, terminated

    return env, params, beside.play(env, params, reset, step)


def test_the_table_has_the_suites_environments_but_those_without_a_reward():
    there = set(navix.environments.registry.registry())
    broken = {name for name in there if "KeyCorridor" in name}
    assert len(broken) == 6 and set(SUITES["navix"].environments) == there - broken


@pytest.mark.parametrize("name", CASES)
def test_stepping_is_the_suites(name):
    beside.assert_stepping_is_the_suites(played(name)[2])


@pytest.mark.parametrize("name", CASES)
def test_an_automatic_reset_is_a_reset(name):
    beside.assert_an_automatic_reset_is_a_reset(played(name)[2])


@pytest.mark.parametrize("name", CASES)
def test_truncated_means_out_of_time(name):
    beside.assert_truncated_means_out_of_time(played(name)[2], LIMIT)


@pytest.mark.parametrize("name", CASES)
def test_observations_are_inside_the_space(name):
    env, params, p = played(name)
    space = env.observation_space(params)
    for obs in (p.first[0], p.obs, p.final):
        beside.assert_inside(space, obs)


@pytest.mark.parametrize("name", SUITES["navix"].environments)
def test_every_environment_is_made_and_what_it_shows_first_is_in_its_space(name):
    env, params = envs.make(f"navix/{name}")
    obs, _ = jax.vmap(env.reset, (0, None))(
        jax.random.split(jax.random.key(0), 3), params
    )
    beside.assert_inside(env.observation_space(params), obs)
    assert params.max_steps_in_episode == 100


def test_the_goal_terminates_and_does_not_truncate():
    *before, last = beside.steps_of(*make("Navix-Empty-5x5-v0"), TO_THE_GOAL)
    assert all(tuple(row) == (0.0, False, False) for row in before)
    assert tuple(last) == (1.0, True, False)


def test_the_goal_in_the_last_step_is_both():
    env, params = make("Navix-Empty-5x5-v0", max_steps_in_episode=5)
    assert tuple(beside.steps_of(env, params, TO_THE_GOAL)[-1]) == (1.0, True, True)


def test_the_clock_truncates_and_does_not_terminate():
    env, params = make("Navix-Empty-5x5-v0", max_steps_in_episode=3)
    rows = beside.steps_of(env, params, [LEFT] * 6)
    assert [bool(row[1]) for row in rows] == [False] * 6
    assert [bool(row[2]) for row in rows] == [False, False, True] * 2


def test_the_limit_that_counts_is_the_one_in_the_reward():
    env, params = make("Navix-Empty-5x5-v0", penality_coeff=0.9)
    params = params.replace(max_steps_in_episode=10)
    reward, terminated, _ = beside.steps_of(env, params, TO_THE_GOAL)[-1]
    assert terminated
    np.testing.assert_allclose(reward, 1 - 0.9 * 5 / 10, rtol=1e-6)


def test_nothing_is_kept_that_is_not_needed():
    env, params = make("Navix-Empty-5x5-v0")
    _, state = env.reset(jax.random.key(0), params)
    sizes = [x.nbytes for x in jax.tree.leaves(state)]
    assert sum(sizes) < 1000  # the cache of drawings alone has 5,000


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (dict(observation="rgb_first"), "did you mean 'rgb_first_person'"),
        (dict(observations="rgb"), "did you mean 'observation'"),
        (dict(penality_coeff="much"), "penality_coeff must be float; got 'much'"),
        (dict(max_steps_in_episode=0), "must be a positive integer; got 0"),
    ],
)
def test_what_cannot_work_is_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        envs.make("navix/Navix-Empty-5x5-v0", **chosen)
