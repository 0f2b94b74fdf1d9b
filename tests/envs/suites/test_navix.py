"""Navix: the suite's own stepping, what ended an episode, and honest spaces.

Mutants, and the test that fails for each:

    every end terminates                         bare_suites, test_minigrid
    the suite keeps its own limit                limit_that_counts in test_minigrid
    one key for every reset                      bare_suites
    the mission is always red                    bare_suites
    an entity too few in the space               every_environment_is_made
    the cache of drawings stays in the state     nothing_is_kept
"""

import jax
import jax.numpy as jnp
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside

navix = pytest.importorskip("navix", reason="needs the extra navix")

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


def make(name, **chosen):
    return envs.make(f"navix/{name}", **{"max_steps_in_episode": LIMIT, **chosen})


def bare(name):
    """`reset` and `step` of the suite's own environment, made by the suite."""
    chosen = dict(CASES[name])
    seen = getattr(navix.observations, chosen.pop("observation", "symbolic"))
    env = navix.make(name, max_steps=LIMIT, observation_fn=seen, **chosen)

    def told(timestep):
        if timestep.state.mission is None:
            return timestep.observation
        mission = timestep.state.mission.colour.astype(jnp.int32)
        return {"image": timestep.observation, "mission": mission}

    def reset(key):
        timestep = env.reset(key)
        return told(timestep), timestep

    def step(key, timestep, action):
        timestep = env.step(timestep, action)
        terminated, over = timestep.is_termination(), timestep.is_done()
        return told(timestep), timestep, timestep.reward, terminated, over

    return reset, step


def test_the_table_has_the_suites_environments_but_those_without_a_reward():
    there = set(navix.environments.registry.registry())
    broken = {name for name in there if "KeyCorridor" in name}
    assert len(broken) == 6 and set(SUITES["navix"].environments) == there - broken


@pytest.mark.parametrize("name", CASES)
def test_it_is_the_bare_suites_until_an_end_and_a_reset_after_it(name):
    env, params = make(name, **CASES[name])
    actions = beside.random_actions(env, params)
    played = beside.play(env, params, *bare(name), actions)
    beside.assert_is_the_suites(played, env.observation_space(params), LIMIT)


@pytest.mark.parametrize("name", SUITES["navix"].environments)
def test_every_environment_is_made_and_what_it_shows_first_is_in_its_space(name):
    env, params = envs.make(f"navix/{name}")
    obs, _ = jax.vmap(env.reset, (0, None))(
        jax.random.split(jax.random.key(0), 3), params
    )
    beside.assert_inside(env.observation_space(params), obs)
    assert params.max_steps_in_episode == 100 and env.default_params is params


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
