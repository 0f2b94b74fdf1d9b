"""Craftax: the suite's own stepping, death told from the clock, honest spaces.

All of it is slow: compiling one step takes a minute on a CPU. The laws are tested on
the Classic world, whose adapter is the same; the full one is made and stepped once.

Mutants, and the test that fails for each:

    the suite's clock is on                      clock_truncates
    nothing is seen above one                    exceeds_the_suites
    achievements of the state before             achievements
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.suites.table import SUITES
from tests.envs.suites import beside

pytest.importorskip("craftax", reason="needs the extra craftax")

pytestmark = [
    pytest.mark.suites,
    pytest.mark.slow,
    pytest.mark.lenient,  # the suite promotes ranks in its own code
    pytest.mark.usefixtures("quick_compilation"),
]

LIMIT = 10
CLASSIC = "Craftax-Classic-Symbolic-v1"
NOOP, SLEEP = 0, 6


def bare(name):
    from craftax.craftax_env import make_craftax_env_from_name

    return make_craftax_env_from_name(name, auto_reset=False)


def make(name, **chosen):
    return envs.make(f"craftax/{name}", **{"max_steps_in_episode": LIMIT, **chosen})


@functools.cache
def played():
    env, params = make(CLASSIC)
    theirs = bare(CLASSIC)
    told = theirs.default_params.replace(max_timesteps=LIMIT)

    def reset(key):
        return theirs.reset(key, told)

    def step(key, inner, action):
        obs, inner, reward, over, _ = theirs.step(key, inner, action, told)
        on = inner.map[inner.player_position[0], inner.player_position[1]]
        dead = (inner.player_health <= 0) | (on == 14)  # BlockType.LAVA
        return obs, inner, reward, dead, over

    # As many lanes as it takes for some to achieve something in ten steps.
    actions = beside.random_actions(env, params, lanes=8, steps=25)
    space = env.observation_space(params)
    return beside.play(env, params, reset, step, actions), space


def test_the_table_has_the_suites_environments():
    for name in SUITES["craftax"].environments:
        assert bare(name).name.replace("-NoAutoReset", "") == name


def test_it_is_the_bare_suites_until_an_end_and_a_reset_after_it():
    beside.assert_is_the_suites(*played(), LIMIT)


def test_achievements_are_what_was_rewarded():
    """Within an episode, and with the step that ends it, before all is cleared."""
    p, _ = played()
    count = p.info["achievements"].sum(-1)
    starts = beside.ages(p) == 1
    before = np.concatenate([np.zeros_like(count[:, :1]), count[:, :-1]], axis=1)
    gained = count - np.where(starts, 0, before)
    assert (gained >= 0).all() and gained.sum() > 0
    # Health only changes the reward in tenths, and by less than half in a step.
    np.testing.assert_array_equal(gained, np.round(p.reward))


@pytest.fixture(scope="module")
def classic():
    env, params = make(CLASSIC)
    return functools.partial(beside.steps_of, env, params)


def test_lava_terminates_and_does_not_truncate(classic):
    def on_lava(state):
        y, x = state.inner.player_position
        return state.replace(
            inner=state.inner.replace(map=state.inner.map.at[y, x].set(14))
        )

    rows = classic([NOOP], change=on_lava)
    assert [tuple(row[1:]) for row in rows] == [(True, False)]


def dying(state):
    return state.replace(inner=state.inner.replace(player_health=jnp.int32(-5)))


def dying_late(state):
    return dying(state).replace(time=jnp.int32(LIMIT - 1))


def test_death_terminates_also_when_time_runs_out(classic):
    for change, truncated in ((dying, False), (dying_late, True)):
        (row,) = classic([NOOP], change=change)
        assert tuple(row[1:]) == (True, truncated)


def test_the_full_games_space_holds_what_exceeds_the_suites():
    env, params = make("Craftax-Symbolic-v1")
    _, state = jax.jit(env.reset)(jax.random.key(0), params)
    strong = state.inner.replace(player_food=jnp.int32(17), sword_enchantment=2)
    seen = np.asarray(env.bare.get_obs(strong))
    assert seen.max() == 2 and (seen > 1).sum() == 2
    beside.assert_inside(env.observation_space(params), seen)


def test_the_clock_truncates_and_does_not_terminate(classic):
    rows = classic([NOOP] * (2 * LIMIT))
    assert not any(row[1] for row in rows)
    clock = [False] * (LIMIT - 1) + [True]
    assert [bool(row[2]) for row in rows] == clock * 2


def test_what_the_suite_can_be_told_reaches_it():
    _, params = make(CLASSIC, cow_health=5, day_length=100)
    assert params.suite.cow_health == 5 and params.suite.day_length == 100
    env, params = make(CLASSIC, max_cows=2)
    _, state = jax.eval_shape(env.reset, jax.random.key(0), params)
    assert state.inner.cows.mask.shape == (2,)
    _, params = envs.make(f"craftax/{CLASSIC}")
    assert params.max_steps_in_episode == 10_000


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        (dict(god=True), "did you mean 'god_mode'"),
        (dict(max_timesteps=5), "has no parameter 'max_timesteps'"),
        (dict(day_length=0.5), "day_length must be int; got 0.5"),
    ],
)
def test_what_cannot_work_is_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        envs.make("craftax/Craftax-Symbolic-v1", **chosen)


def test_the_full_game_is_stepped_over_an_end():
    env, params = make("Craftax-Symbolic-v1", max_steps_in_episode=2)
    many = jax.vmap(env.reset, (0, None))
    obs, state = jax.jit(many)(jax.random.split(jax.random.key(0), 2), params)
    step = jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    space = env.observation_space(params)
    beside.assert_inside(space, np.asarray(obs))
    for t, key in enumerate(jax.random.split(jax.random.key(1), 3)):
        keys = jax.random.split(key, 2)
        obs, state, _, terminated, truncated, info = step(
            keys, state, jnp.array([NOOP, SLEEP]), params
        )
        beside.assert_inside(space, np.asarray(obs))
        beside.assert_inside(space, np.asarray(info["final_observation"]))
        assert not terminated.any() and truncated.all() == (t == 1)
        if t == 1:  # another world
            assert (np.asarray(obs) != np.asarray(info["final_observation"])).any()
    assert info["achievements"].shape == (2, 67)


def test_pictures_lie_in_their_space():
    env, params = make("Craftax-Classic-Pixels-v1")
    obs, _ = jax.jit(env.reset)(jax.random.key(0), params)
    space = env.observation_space(params)
    assert space.shape == (63, 63, 3)
    beside.assert_inside(space, np.asarray(obs))
    assert np.asarray(obs).std() > 0.05
