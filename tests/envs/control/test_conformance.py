"""Step for step against dm_control: physics, soft limits, observations, rewards, starts.

Teacher-forced: before each step ours is put where MuJoCo is, and one step is compared in
float64. MuJoCo's constraint solver stops once it gains less than `tolerance` (1e-8 of
a scaled cost); with 0 it solves a limit's force to the last digit, as the closed form
does, and `EXACT` holds inside limits too. As shipped, `AS_SHIPPED` is how far it stops
short while a limit is pressed; away from limits nothing differs.

Mutants seen to fail here: damping taken explicitly, Euler for Runge-Kutta, sphere or
capsule inertia left out, gear halved, impedance constant at 0.95, a limit's spring
without its impedance, R from the inertia at hand, MuJoCo's smallest time constant (two
steps) left out, rows and columns of the directions exchanged, reward of the state
before the step, hand and finger as one capsule.
"""

import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.control import rewards
from envs.control.table import TABLE

os.environ.setdefault("MUJOCO_GL", "disable")  # nothing is drawn with it
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # a machine without a display makes glfw warn
    pytest.importorskip("dm_control", reason="dm_control is in the extra conformance")
    from dm_control import suite
    from dm_control.rl.control import flatten_observation
    from dm_control.suite import common
    from dm_control.utils import rewards as their_rewards

pytestmark = pytest.mark.conformance

EXACT, AS_SHIPPED = 1e-13, 1e-5  # m or rad, and per second; float64
# float32, one step: 24 bits of angles up to 10 rad and speeds up to 30 rad/s.
FLOAT32 = 2e-5
NAMES = [name for name in TABLE if name != "mountain_car"]
OTHERS = {  # body: what to write in place of what in its XML, and our constants
    "cartpole": (
        [
            ('fromto="0 0 0 0 0 1" size="0.045"', 'fromto="0 0 0 0 0 .7" size="0.08"'),
            ('mass=".1"', 'mass=".4"'),
            ('mass="1"', 'mass="1.5"'),
            ('damping="2e-6"', 'damping="0.03"'),
            ('damping="5e-4"', 'damping="0.2"'),
            ('gear="10"', 'gear="30"'),
            ("-1.8 1.8", "-0.6 0.6"),
            ('".08 1"', '".05 1"'),
            ('timestep="0.01"', 'timestep="0.005" gravity="0 0 -5"'),
        ],
        dict(pole_length=0.7, pole_radius=0.08, pole_mass=0.4, cart_mass=1.5)
        | dict(pole_damping=0.03, cart_damping=0.2, gear=30.0, rail=0.6)
        | dict(rail_time_constant=0.05, timestep=0.005, gravity=5.0),
    ),
    "pendulum": (
        [
            ('pos="0 0 0.5" size="0.05" mass="1"', 'pos="0 0 .8" size=".2" mass="2"'),
            ('damping="0.1"', 'damping="0.5"'),
            ('gear="1"', 'gear="3"'),
            ('timestep="0.02"', 'timestep="0.01" gravity="0 0 -5"'),
        ],
        dict(length=0.8, radius=0.2, mass=2.0, damping=0.5, gear=3.0)
        | dict(timestep=0.01, gravity=5.0),
    ),
    "acrobot": (
        [
            (
                'fromto="0 0 0 0 0 1" size="0.05" material="self"/>',
                'fromto="0 0 0 0 0 .6" size="0.1" mass="1.5"/>',
            ),
            ('name="lower_arm" pos="0 0 1"', 'name="lower_arm" pos="0 0 .6"'),
            (
                'fromto="0 0 0 0 0 1" size="0.049" material="self"/>',
                'fromto="0 0 0 0 0 1.3" size="0.02" mass="0.5"/>',
            ),
            ('name="tip" pos="0 0 1"', 'name="tip" pos="0 0 1.3"'),
            ('pos="0 0 4" size="0.2"', 'pos="0 0 3.9" size="0.3"'),
            ('damping=".05"', 'damping=".2"'),
            ('gear="2"', 'gear="4"'),
            ('timestep="0.01"', 'timestep="0.005" gravity="0 0 -5"'),
        ],
        dict(upper_length=0.6, upper_radius=0.1, upper_mass=1.5, lower_length=1.3)
        | dict(lower_radius=0.02, lower_mass=0.5, target_radius=0.3, damping=0.2)
        | dict(gear=4.0, timestep=0.005, gravity=5.0),
    ),
    "point_mass": (
        [
            ('mass=".3"', 'mass=".1"'),
            ('damping="1"', 'damping=".3"'),
            ('gear=".1"', 'gear=".4"'),
            ("-.29 .29", "-.2 .2"),
            ('size=".015"', 'size=".03"'),
            ('timestep="0.02"', 'timestep="0.005"'),
        ],
        dict(mass=0.1, damping=0.3, gear=0.4, edge=0.2, target_size=0.03)
        | dict(timestep=0.005),
    ),
    "reacher": (
        [
            (
                'fromto="0 0 0 0.12 0 0" size=".01"',
                'fromto="0 0 0 .2 0 0" size=".015" mass=".1"',
            ),
            ('name="hand" pos=".12 0 0"', 'name="hand" pos=".2 0 0"'),
            (
                'fromto="0 0 0 0.1 0 0" size=".01"',
                'fromto="0 0 0 .15 0 0" size=".015" mass=".03"',
            ),
            ('name="finger" pos=".12 0 0"', 'name="finger" pos=".18 0 0"'),
            (
                'name="finger" type="sphere" size=".01"',
                'name="finger" type="sphere" size=".015" mass=".02"',
            ),
            ('damping="0.01"', 'damping="0.02"'),
            ('gear=".05"', 'gear=".2"'),
            ("-160 160", "-90 90"),
            ('timestep="0.02"', 'timestep="0.004"'),
        ],
        dict(arm_length=0.2, radius=0.015, arm_mass=0.1, hand_length=0.15)
        | dict(hand_mass=0.03, finger_gap=0.03, finger_mass=0.02, damping=0.02)
        | dict(gear=0.2, wrist_range=np.pi / 2, timestep=0.004),
    ),
}
# Constants with which the limits are met often, under the actions played here.
CASES = [(name, "DM Control's") for name in NAMES]
CASES += [(name, "others") for name in NAMES if "sparse" not in name]


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


def body_of(name):
    domain = next(d for d in OTHERS if name.startswith(d))
    return domain, name.removeprefix(f"{domain}_")


def load(name, constants, monkeypatch):
    """(theirs, ours, our params), with DM Control's constants or with others."""
    domain, task = body_of(name)
    swaps, params = OTHERS[domain] if constants == "others" else ([], {})
    written = common.read_model(f"{domain}.xml").decode()
    for old, new in swaps:
        assert old in written, old
        written = written.replace(old, new)
    monkeypatch.setattr(common, "read_model", lambda _: written.encode())
    theirs = suite.load(domain, task, task_kwargs={"random": 3})
    env, params = envs.make(f"control/{name}", **params)
    return theirs, env, params


def mirrored(env, params, physics):
    """Our state where theirs is."""
    state = env.start(jax.random.key(0), params).replace(
        position=jnp.asarray(physics.data.qpos.copy()),
        velocity=jnp.asarray(physics.data.qvel.copy()),
    )
    if hasattr(state, "target"):
        target = physics.named.model.geom_pos["target", :2]
        state = state.replace(target=jnp.asarray(target.copy()))
    if hasattr(state, "directions"):
        rows = physics.model.wrap_prm.copy().reshape(2, 2)
        state = state.replace(directions=jnp.asarray(rows))
    return state


def actions(rng, size, steps):
    """Held for 25 steps at a time, every other time at a bound."""
    for i in range(steps):
        if i % 50 == 0:
            action = rng.choice([-1.0, 1.0], size)
        elif i % 25 == 0:
            action = rng.uniform(-1, 1, size)
        yield action


def close_to_target(physics, name, rng):
    """Moves them where rewards are earned, half of the time to where they are not."""
    position = {
        "cartpole": [rng.uniform(-0.4, 0.4), rng.normal(0, 0.1)],
        "pendulum": [rng.normal(0, 0.15)],
        "acrobot": rng.normal(0, 0.2, 2),
        "point_mass": rng.normal(0, 0.02, 2),
        "reacher": rng.uniform(-2, 2, 2),
    }[body_of(name)[0]]
    with physics.reset_context():
        physics.data.qpos[:] = position


@pytest.mark.parametrize("name, constants", CASES)
@pytest.mark.parametrize("solver", ["exact", "as shipped"])
def test_every_step_is_dm_controls(name, constants, solver, monkeypatch):
    theirs, env, params = load(name, constants, monkeypatch)
    physics = theirs.physics
    if solver == "exact":
        physics.model.opt.tolerance = 0
    advance = jax.jit(env.advance)
    rng = np.random.default_rng(0)
    seen, rewarded = {False: 0.0, True: 0.0}, set()
    steps = pressed = 0
    for _ in range(2):
        theirs.reset()
        for i, action in enumerate(actions(rng, env.action_size, 999)):
            if i % 100 == 99:
                close_to_target(physics, name, rng)
            state = mirrored(env, params, physics)
            # Runge-Kutta meets a limit in its inner stages too.
            before = float(np.abs(physics.data.qpos[0]))
            given = theirs.step(action)
            state = advance(state, jnp.asarray(action), params)
            at_limit = bool(physics.data.nefc) or (
                name.startswith("cartpole") and before > 0.8 * params.rail
            )
            obs = flatten_observation(given.observation)["observations"]
            ours = env.get_obs(state, params)
            assert ours.shape == obs.shape
            worst = max(
                np.abs(state.position - physics.data.qpos).max(),
                np.abs(state.velocity - physics.data.qvel).max(),
                np.abs(np.asarray(ours) - obs).max(),
                abs(
                    float(env.reward(state, jnp.asarray(action), params)) - given.reward
                ),
            )
            seen[at_limit] = max(seen[at_limit], worst)
            rewarded.add(given.reward > 0.01)
            steps, pressed = steps + 1, pressed + at_limit
    print(f"{name}, {constants}, {solver}: {seen} {pressed} of {steps}")
    assert seen[False] < EXACT
    assert seen[True] < (EXACT if solver == "exact" else AS_SHIPPED)
    assert rewarded == {False, True}
    limits = name.startswith(("cartpole", "reacher", "point_mass"))
    assert (pressed > 5) == limits


@pytest.mark.parametrize("name", NAMES)
def test_a_float32_step_is_dm_controls_to_its_precision(name, monkeypatch):
    with jax.enable_x64(False):
        theirs, env, params = load(name, "DM Control's", monkeypatch)
        physics = theirs.physics
        step = jax.jit(env.step_env)
        rng = np.random.default_rng(1)
        theirs.reset()
        for action in actions(rng, env.action_size, 999):
            state = mirrored(env, params, physics)
            state = jax.tree.map(
                lambda x: x.astype(jnp.int32 if x.dtype.kind == "i" else jnp.float32),
                state,
            )
            given = theirs.step(action)
            obs, _, reward, *_ = step(jax.random.key(0), state, action, params)
            wanted = flatten_observation(given.observation)["observations"]
            np.testing.assert_allclose(obs, wanted, rtol=FLOAT32, atol=FLOAT32)
            # An indicator may flip where its state lies on the edge.
            assert abs(float(reward) - given.reward) < 1e-4 or reward in (0, 1)


@pytest.mark.parametrize("name", NAMES)
def test_episodes_have_dm_controls_clock_actions_and_sizes(name, monkeypatch):
    theirs, env, params = load(name, "DM Control's", monkeypatch)
    assert theirs._step_limit == params.max_steps_in_episode
    assert theirs._n_sub_steps == 1
    assert theirs.control_timestep() == params.timestep
    spec, space = theirs.action_spec(), env.action_space(params)
    assert spec.shape == space.shape
    assert (spec.minimum == space.low).all() and (spec.maximum == space.high).all()
    sizes = [np.prod(s.shape, dtype=int) for s in theirs.observation_spec().values()]
    assert env.observation_space(params).shape == (sum(sizes),)


@pytest.mark.parametrize("name", NAMES)
def test_starts_are_distributed_as_dm_controls(name, monkeypatch):
    theirs, env, params = load(name, "DM Control's", monkeypatch)
    number = 3000

    def wanted():
        theirs.reset()
        state = mirrored_fields(theirs.physics, env)
        return np.concatenate([np.ravel(x) for x in state])

    def ours(key):
        state = env.start(key, params)
        fields = [state.position, state.velocity]
        fields += [
            getattr(state, f) for f in ("target", "directions") if hasattr(state, f)
        ]
        return jnp.concatenate([jnp.ravel(x) for x in fields])

    theirs_drawn = np.stack([wanted() for _ in range(number)])
    ours_drawn = np.asarray(jax.vmap(ours)(jax.random.split(jax.random.key(5), number)))
    for x, y in zip(ours_drawn.T, theirs_drawn.T, strict=True):
        if np.ptp(y) < 1e-12:
            np.testing.assert_allclose(x, y[0], atol=1e-7)
            continue
        both = np.concatenate([x, y])
        gap = (np.sort(x) <= both[:, None]).mean(1) - (
            np.sort(y) <= both[:, None]
        ).mean(1)
        # Kolmogorov-Smirnov, two samples of 3,000: 0.05 is p = 0.001.
        assert np.abs(gap).max() < 0.05


def mirrored_fields(physics, env):
    fields = [physics.data.qpos, physics.data.qvel]
    if env.name == "Reacher":
        fields.append(physics.named.model.geom_pos["target", :2])
    if env.name == "PointMass":
        fields.append(physics.model.wrap_prm)
    return fields


@pytest.mark.parametrize("sigmoid", rewards.SIGMOIDS)
def test_tolerance_is_dm_controls(sigmoid):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-5, 5, 200), [-1.0, 2.0, 3.5, -2.5]])
    for value in (0.1, 0.6) + ((0.0,) if sigmoid in rewards.REACH_ZERO else ()):
        for bounds in ((-1.0, 2.0), (0.5, 0.5), (-np.inf, 0.0)):
            for margin in (0.0, 1.5):
                shape = dict(margin=margin, sigmoid=sigmoid, value_at_margin=value)
                np.testing.assert_allclose(
                    rewards.tolerance(jnp.asarray(x), bounds, **shape),
                    their_rewards.tolerance(x, bounds, **shape),
                    atol=1e-12,
                )
