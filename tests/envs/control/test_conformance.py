"""Step for step against dm_control: physics, soft limits, observations, rewards.

Teacher-forced: from each state that MuJoCo was in, one step of ours is compared with
its next, in float64. MuJoCo's constraint solver stops once it gains less than
`tolerance` (1e-8 of a scaled cost); with 0 it solves a limit's force to the last digit,
as the closed form does, and `EXACT` holds inside limits too. As shipped it may stop
short while a limit is pressed, by `AS_SHIPPED`; away from limits nothing differs.

Mutants, and the test that fails for each:

    damping explicit in Euler steps, Euler for Runge-Kutta     every_step
    a sphere's or a capsule's half spheres' inertia left out   every_step
    gear halved, hand and finger as one capsule                every_step
    impedance constant, a limit's spring without it            every_step
    a limit's R from the inertia at hand                       every_step
    smallest time constant, two steps, left out                every_step
    rows and columns of the directions exchanged               every_step
    directions up to a cosine of 0.8, angles from a half turn  starts_are
"""

import os
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ks_2samp

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
SMOOTH = [name for name in NAMES if "sparse" not in name]  # all physics, once
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
# Body: the coordinate that a limit is looked for in, and the limit's name.
LIMITED = {"cartpole": (0, "rail"), "point_mass": (0, "edge")}
LIMITED["reacher"] = (1, "wrist_range")
CASES = [(name, "DM Control's", "exact") for name in NAMES]
CASES += [(name, "others", "exact") for name in SMOOTH]
CASES += [
    (name, "DM Control's", "as shipped")
    for name in ("cartpole_swingup", "point_mass_easy", "reacher_easy")
]


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


def fields_of(physics, domain):
    """Their state in the names of ours; copies, since MuJoCo writes in place."""
    fields = {"position": physics.data.qpos, "velocity": physics.data.qvel}
    if domain == "reacher":
        fields["target"] = physics.named.model.geom_pos["target", :2]
    if domain == "point_mass":
        fields["directions"] = physics.model.wrap_prm.reshape(2, 2)
    return {name: np.array(value) for name, value in fields.items()}


def actions(rng, size, steps):
    """Held for 25 steps at a time, every other time at a bound."""
    for i in range(steps):
        if i % 50 == 0:
            action = rng.choice([-1.0, 1.0], size)
        elif i % 25 == 0:
            action = rng.uniform(-1, 1, size)
        yield action


def move(physics, domain, rng):
    """Where rewards are earned, or to a limit: random actions seldom lead there."""
    at_limit = rng.uniform() < 0.5
    with physics.reset_context():
        if domain == "cartpole":
            edge = physics.model.jnt_range[0, 1] - 0.01
            physics.data.qpos[:] = [edge if at_limit else 0.1, rng.normal(0, 0.1)]
        elif domain == "pendulum":
            physics.data.qpos[:] = rng.normal(0, 0.15)
        elif domain == "acrobot":
            physics.data.qpos[:] = rng.normal(0, 0.2, 2)
        elif domain == "point_mass":
            edge = physics.model.jnt_range[0, 1] - 0.001
            physics.data.qpos[:] = edge if at_limit else rng.normal(0, 0.02, 2)
        else:
            edge = physics.model.jnt_range[1, 1] - 0.01
            physics.data.qpos[:] = rng.uniform(-1, 1), edge if at_limit else 1.0
    if domain == "reacher":  # the target comes to the finger
        at = physics.named.data.geom_xpos["finger", :2]
        physics.named.model.geom_pos["target", :2] = at + rng.normal(0, 0.02, 2)
        physics.forward()


def played(theirs, name, env, steps=1500):
    """What MuJoCo did: dict of arrays [steps, ...], `next_` fields after the action."""
    domain, physics = body_of(name)[0], theirs.physics
    rng, rows = np.random.default_rng(0), []
    for i, action in enumerate(actions(rng, env.action_size, steps)):
        if i % 750 == 0:
            theirs.reset()
        if i % 100 == 99:
            move(physics, domain, rng)
        before = fields_of(physics, domain)
        given = theirs.step(action)
        after = fields_of(physics, domain)
        rows.append(
            before
            | {
                "action": action,
                "next_position": after["position"],
                "next_velocity": after["velocity"],
                "obs": flatten_observation(given.observation)["observations"],
                "reward": np.asarray(given.reward),
            }
        )
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def ours_after(env, params, path, dtype):
    """One step of ours from each of their states: `(state, obs, reward)`."""
    names = [n for n in path if n in ("position", "velocity", "target", "directions")]
    template = env.start(jax.random.key(0), params)

    def step(fields, action):
        state = template.replace(**fields)
        state = env.advance(state, action, params)
        return state, env.get_obs(state, params), env.reward(state, action, params)

    fields = {name: jnp.asarray(path[name], dtype) for name in names}
    out = jax.jit(jax.vmap(step))(fields, jnp.asarray(path["action"], dtype))
    return jax.tree.map(np.asarray, out)


@pytest.mark.parametrize("name, constants, solver", CASES)
def test_every_step_is_dm_controls(name, constants, solver, monkeypatch):
    theirs, env, params = load(name, constants, monkeypatch)
    if solver == "exact":
        theirs.physics.model.opt.tolerance = 0
    path = played(theirs, name, env)
    state, obs, reward = ours_after(env, params, path, jnp.float64)
    assert obs.shape == path["obs"].shape
    gaps = np.concatenate(
        [
            state.position - path["next_position"],
            state.velocity - path["next_velocity"],
            obs - path["obs"],
            (reward - path["reward"])[:, None],
        ],
        axis=1,
    )
    worst = np.abs(gaps).max(1)
    limited = LIMITED.get(body_of(name)[0])
    pressed = np.zeros(len(worst), bool)
    if limited:
        coordinate, field = limited
        at = np.abs(path["position"][:, coordinate])
        pressed = at > getattr(params, field)
    print(
        f"{name}, {constants}, {solver}: {worst[~pressed].max():.1e} free, "
        f"{worst[pressed].max(initial=0):.1e} in {pressed.sum()} steps at a limit"
    )
    assert worst.max() < (EXACT if solver == "exact" else AS_SHIPPED)
    assert np.ptp(path["reward"]) > 0.1
    assert (pressed.sum() > 50) == bool(limited)


@pytest.mark.parametrize("name", NAMES)
def test_a_float32_step_is_dm_controls_to_its_precision(name, monkeypatch):
    theirs, env, params = load(name, "DM Control's", monkeypatch)
    path = played(theirs, name, env)
    with jax.enable_x64(False):
        _, obs, reward = ours_after(env, params, path, jnp.float32)
    assert obs.dtype == reward.dtype == np.float32
    np.testing.assert_allclose(obs, path["obs"], rtol=FLOAT32, atol=FLOAT32)
    # An indicator may flip in a state on its very edge, where a smooth one is close.
    wrong = np.abs(reward - path["reward"]) > 1e-4
    assert wrong.mean() < 1e-3


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


@pytest.mark.parametrize("name", SMOOTH)
def test_starts_are_distributed_as_dm_controls(name, monkeypatch):
    theirs, env, params = load(name, "DM Control's", monkeypatch)
    domain, number = body_of(name)[0], 2000
    rows = []
    for _ in range(number):
        theirs.reset()
        rows.append(fields_of(theirs.physics, domain))
    keys = jax.random.split(jax.random.key(5), number)
    ours = jax.jit(jax.vmap(lambda key: env.start(key, params)))(keys)
    for field in rows[0]:
        x = np.asarray(getattr(ours, field)).reshape(number, -1)
        y = np.stack([row[field] for row in rows]).reshape(number, -1)
        if field == "directions":  # each is uniform; what counts is how they lie
            x, y = (np.c_[z, (z[:, :2] * z[:, 2:]).sum(1)] for z in (x, y))
        for a, b in zip(x.T, y.T, strict=True):
            if np.ptp(b) < 1e-12:
                np.testing.assert_allclose(a, b, atol=1e-7)
            else:  # Kolmogorov-Smirnov
                assert ks_2samp(a, b).pvalue > 1e-4, field


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
