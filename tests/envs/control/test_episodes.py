"""A body as an environment: clock, actions, starts, observations, rewards, pictures.

Mutants, and the test that fails for each:

    actions not clipped                         beyond_the_bounds
    terminated at the time limit                truncated_and_never_terminated
    time limit one step late                    truncated_and_never_terminated
    reset only where every episode ended        truncated_and_never_terminated
    swing-up started at the top                 starts_are_drawn_as
    second direction on one side of the first   directions
    target's distance not drawn                 starts_are_drawn_as
    cos and sin exchanged                       observations_and_rewards
    finger's radius left out of the touch       touch
    mountain car's wall elastic                 mountain_car_is_gymnasiums
"""

import math

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.control import point_mass
from envs.control.table import TABLE

pytestmark = pytest.mark.usefixtures("quick_compilation")

NAMES = [f"control/{name}" for name in TABLE]
SOFT = ["cartpole_balance", "acrobot_swingup", "point_mass_hard", "mountain_car"]


def make(name, **params):
    return envs.make(f"control/{name}", **params)


def starts(env, params, number=4000):
    keys = jax.random.split(jax.random.key(1), number)
    return jax.tree.map(
        np.asarray, jax.jit(jax.vmap(lambda key: env.start(key, params)))(keys)
    )


def place(env, params, position, velocity, **fields):
    state = env.start(jax.random.key(0), params)
    return state.replace(
        position=jnp.asarray(position, jnp.float32),
        velocity=jnp.asarray(velocity, jnp.float32),
        **{name: jnp.asarray(value, jnp.float32) for name, value in fields.items()},
    )


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", SOFT)
def test_episodes_are_truncated_and_never_terminated(name):
    limit, lanes = 5, 3
    env, params = make(name, max_steps_in_episode=limit)

    def step(state, key):
        keys = jax.random.split(key, lanes)
        action = jax.vmap(env.action_space(params).sample)(keys)
        after = jax.vmap(env.step, (0, 0, 0, None))(keys, state, action, params)
        return after[1], (after[0], *after[2:], after[1].time)

    first = jax.random.split(jax.random.key(0), lanes)
    obs, state = jax.vmap(env.reset, (0, None))(first, params)
    # The lanes' clocks differ, so that their episodes end at different steps.
    state = state.replace(time=state.time + jnp.arange(lanes, dtype=jnp.int32))
    scan = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys)[1])
    out = scan(state, jax.random.split(jax.random.key(1), 3 * limit))
    obs, reward, terminated, truncated, info, time = jax.tree.map(np.asarray, out)
    after = np.arange(1, 3 * limit + 1)[:, None] + np.arange(lanes)
    assert not terminated.any()
    np.testing.assert_array_equal(truncated, after % limit == 0)
    np.testing.assert_array_equal(time, after % limit)
    assert obs.dtype == reward.dtype == np.float32
    assert obs.shape[2:] == env.observation_space(params).shape
    assert (reward >= 0).all() and (reward <= 1).all()
    final = info["final_observation"]
    np.testing.assert_array_equal(obs[~truncated], final[~truncated])
    assert (obs[truncated] != final[truncated]).any(-1).all()


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    "name", ["cartpole_swingup", "point_mass_hard", "reacher_easy"]
)
def test_actions_beyond_the_bounds_are_those_at_the_bounds(name):
    env, params = make(name)
    _, state = env.reset(jax.random.key(0), params)
    sign = np.array([1.0, -1.0], np.float32)[: env.action_size]
    key = jax.random.key(1)
    at, beyond, within = (
        env.step_env(key, state, scale * sign, params) for scale in (1.0, 7.0, 0.5)
    )
    jax.tree.map(np.testing.assert_array_equal, at[:3], beyond[:3])
    assert (np.asarray(at[0]) != within[0]).any()


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    "name, low, high",  # of each coordinate, then of each velocity
    [
        ("cartpole_balance", [-0.1, -0.034], [0.1, 0.034]),
        ("pendulum_swingup", [-math.pi], [math.pi]),
        ("acrobot_swingup", [-math.pi] * 2, [math.pi] * 2),
        ("point_mass_easy", [-0.29] * 2, [0.29] * 2),
        ("point_mass_hard", [-0.29] * 2, [0.29] * 2),
        ("reacher_easy", [-math.pi, -2.792527], [math.pi, 2.792527]),
        ("mountain_car", [-0.6], [-0.4]),
    ],
)
def test_starts_are_drawn_as_dm_control_draws_them_uniformly(name, low, high):
    drawn = starts(*make(name))
    span = np.subtract(high, low)
    share = (drawn.position - np.asarray(low)) / span
    assert (share >= 0).all() and (share <= 1).all()
    # Quantiles of 4,000 uniform numbers: standard error at most 0.008.
    for quantile in (0.1, 0.5, 0.9):
        np.testing.assert_allclose(
            np.quantile(share, quantile, 0), quantile, atol=0.035
        )
    if share.shape[1] == 2:
        assert abs(np.corrcoef(share.T)[0, 1]) < 0.07
    if name != "cartpole_balance":
        assert (drawn.velocity == 0).all()


def test_starts_are_drawn_as_dm_control_draws_them_normally():
    swing, balance = (starts(*make(f"cartpole_{n}")) for n in ("swingup", "balance"))
    np.testing.assert_allclose(swing.position.mean(0), [0, math.pi], atol=1e-3)
    for drawn in (swing.position, swing.velocity, balance.velocity):
        np.testing.assert_allclose(drawn.std(0), 0.01, rtol=0.06)


def test_reachers_targets_are_drawn_as_dm_control_draws_them():
    target = starts(*make("reacher_easy")).target
    share = (np.hypot(*target.T) - 0.05) / 0.15
    around = np.arctan2(target[:, 0], target[:, 1]) / (2 * math.pi) % 1
    for drawn in (share, around):
        for quantile in (0.1, 0.5, 0.9):
            np.testing.assert_allclose(
                np.quantile(drawn, quantile), quantile, atol=0.035
            )


def test_directions_are_distributed_as_those_drawn_until_they_differ():
    keys = jax.random.split(jax.random.key(2), 20_000)
    ours = np.asarray(jax.jit(jax.vmap(point_mass.draw_directions))(keys))
    rng = np.random.default_rng(0)
    pairs = rng.normal(size=(40_000, 2, 2))
    pairs /= np.linalg.norm(pairs, axis=-1, keepdims=True)
    kept = pairs[np.abs((pairs[:, 0] * pairs[:, 1]).sum(-1)) <= 0.9][:20_000]
    np.testing.assert_allclose(np.linalg.norm(ours, axis=-1), 1.0, rtol=1e-5)

    def views(pairs):
        first, second = pairs[:, 0], pairs[:, 1]
        cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
        return *first.T, *second.T, (first * second).sum(-1), cross

    for x, y in zip(views(ours), views(kept), strict=True):
        levels = np.linspace(0.02, 0.98, 25)
        at = np.quantile(y, levels)
        # Kolmogorov-Smirnov: 0.02 for two samples of 20,000 is p < 0.001
        assert np.abs((x[:, None] <= at).mean(0) - levels).max() < 0.02
    assert np.abs(views(ours)[4]).max() <= 0.9 + 1e-6


@pytest.mark.thinned(3)
@pytest.mark.parametrize(
    "name, position, velocity, action, obs, reward",
    [
        # Upright, middle, at rest: all factors 1; half an action costs 0.25 / 5.
        ("cartpole_balance", [0, 0], [0, 0], [0.5], [0, 1, 0, 0, 0], 0.95),
        # Level pole: 1/2. x at its margin: 1.1/2. angle' at its margin: 1.1/2.
        (
            *("cartpole_swingup", [2, math.pi / 2], [3, 5], [0.0]),
            *([2, 0, 1, 3, 5], 0.5 * 0.55 * 0.55),
        ),
        ("cartpole_balance_sparse", [0.24, 0.09], [0, 0], [1.0], None, 1.0),
        ("cartpole_balance_sparse", [0.26, 0.0], [0, 0], [0.0], None, 0.0),
        ("cartpole_swingup_sparse", [0.0, 0.11], [0, 0], [0.0], None, 0.0),
        ("pendulum_swingup", [math.pi / 6], [2], [0.0], [3**0.5 / 2, 0.5, 2], 0.0),
        ("pendulum_swingup", [-0.139], [2], [1.0], None, 1.0),  # 8 degrees are 0.1396
        ("pendulum_swingup", [0.141], [0], [1.0], None, 0.0),
        # Both arms level, to the right: the tip is at (2, 0), the target at (0, 2).
        (
            *("acrobot_swingup", [math.pi / 2, 0], [1, 2], [0.0]),
            *([1, 1, 0, 0, 1, 2], 0.1 ** ((8**0.5 - 0.2) ** 2)),
        ),
        ("acrobot_swingup_sparse", [0.05, 0.0], [1, 2], [0.0], None, 1.0),
        ("acrobot_swingup_sparse", [0.2, 0.0], [1, 2], [0.0], None, 0.0),
        # One margin beyond the target: 0.1. One action full, one idle: 4.5 / 5.
        (
            *("point_mass_easy", [0.018, -0.024], [0.3, 0.4], [1.0, 0.0]),
            *([0.018, -0.024, 0.3, 0.4], 0.09),
        ),
    ],
)
def test_observations_and_rewards_worked_by_hand(
    name, position, velocity, action, obs, reward
):
    env, params = make(name)
    state = place(env, params, position, velocity)
    if obs is not None:
        np.testing.assert_allclose(env.get_obs(state, params), obs, atol=1e-6)
    given = env.reward(state, jnp.asarray(action), params)
    np.testing.assert_allclose(given, reward, atol=1e-6)


@pytest.mark.parametrize(
    "name, touching", [("reacher_easy", 0.06), ("reacher_hard", 0.025)]
)
def test_reachers_finger_touches_within_both_radii(name, touching):
    env, params = make(name)
    # Arm along y, wrist back along x: the finger is at (-0.12, 0.12).
    for gap, reward in ((touching - 1e-3, 1.0), (touching + 1e-3, 0.0)):
        target = [-0.12 + gap * 0.6, 0.12 - gap * 0.8]
        angles = [math.pi / 2, math.pi / 2]
        state = place(env, params, angles, [1, 2], target=target)
        wanted = [*angles, 0.6 * gap, -0.8 * gap, 1, 2]
        np.testing.assert_allclose(env.get_obs(state, params), wanted, atol=1e-6)
        assert env.reward(state, jnp.zeros(2), params) == reward


def test_mountain_car_is_gymnasiums():
    theirs = gymnasium.make("MountainCarContinuous-v0").unwrapped
    env, params = make("mountain_car")
    step = jax.jit(env.step_env)
    rng = np.random.default_rng(0)
    met = {"wall": 0, "goal": 0, "speed": 0}
    for start in ([-0.5, 0.0], [-1.1, -0.06], [0.3, 0.06], [-0.4, 0.069]):
        theirs.reset(seed=0)
        theirs.state = np.asarray(start, np.float32)
        for _ in range(60):
            # Teacher-forced, and bang-bang so that walls and flag are met.
            position, velocity = map(float, theirs.state)
            action = np.sign(velocity) if rng.uniform() < 0.9 else rng.uniform(-1, 1)
            state = place(env, params, [position], [velocity])
            obs, _, reward, *_ = step(jax.random.key(0), state, [action], params)
            wanted, _, arrived, *_ = theirs.step(np.asarray([action]))
            np.testing.assert_allclose(obs, wanted, rtol=1e-5, atol=1e-7)
            met["wall"] += position > -1.2 and wanted[0] == np.float32(-1.2)
            met["speed"] += abs(velocity) == np.float32(0.07)
            met["goal"] += arrived
            if wanted[1] >= 0:  # gymnasium's flag counts only on the way up
                assert bool(reward) == arrived
            else:
                assert not arrived
    assert all(met.values()), met


def test_constants_may_differ_between_the_environments_of_a_batch():
    env, params = make("pendulum_swingup")
    masses = jnp.asarray([0.5, 1.0, 2.0])
    many = jax.tree.map(lambda x: jnp.full(3, x), params).replace(mass=masses)
    state = place(env, params, [math.pi / 2], [0.0])
    step = jax.vmap(env.step_env, (None, None, None, 0))
    together = step(jax.random.key(0), state, jnp.ones(1), many)[0]
    for mass, obs in zip(masses, together, strict=True):
        alone, chosen = make("pendulum_swingup", mass=float(mass))
        wanted = alone.step_env(jax.random.key(0), state, jnp.ones(1), chosen)[0]
        np.testing.assert_allclose(obs, wanted, rtol=1e-6, atol=1e-7)
    assert len({float(x) for x in together[:, 2]}) == 3


@pytest.mark.parametrize(
    "name, params, message",
    [
        ("cartpole_swingup", {"pole_lenght": 1.0}, "did you mean 'pole_length'"),
        ("cartpole_swingup", {"pole_length": 0.0}, "pole_length must be positive"),
        ("reacher_easy", {"wrist_time_constant": -1.0}, "must be positive"),
        ("acrobot_swingup", {"damping": math.nan}, "damping must be finite"),
        ("acrobot_swingup", {"damping": "thick"}, "damping must be float"),
        ("acrobot_swingup", {"sparse": 1}, "sparse must be bool"),
        ("mountain_car", {"max_steps_in_episode": 0}, "must be positive"),
    ],
)
def test_what_cannot_work_is_refused(name, params, message):
    with pytest.raises(ValueError, match=message):
        make(name, **params)


def test_an_int_is_a_number_and_no_gravity_is_allowed():
    _, params = make("acrobot_swingup", gravity=0, upper_length=2)
    assert params.gravity == 0 and params.upper_length == 2


@pytest.mark.thinned(3)
@pytest.mark.parametrize("name", NAMES)
def test_a_picture_follows_the_body(name):
    env, params = envs.make(name)
    _, state = env.reset(jax.random.key(0), params)
    first = env.render(state, params)
    assert first.dtype == np.uint8 and first.shape == (320, 320, 3)
    moved = env.render(state.replace(position=state.position + 0.2), params)
    assert 20 < (moved != first).any(-1).sum() < 320 * 320 / 4
    waited = state.replace(time=state.time + 1)  # a film counts the steps
    np.testing.assert_array_equal(env.render(waited, params), first)
