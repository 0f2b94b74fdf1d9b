"""Equations of motion and integrators, in float64, against independent ones.

Mutants, and the test that fails for each:

    reacher's Coriolis sign flipped            euler_lagrange, energy
    pole inertia without its half spheres      euler_lagrange
    finger left out of the wrist's inertia     euler_lagrange
    gravity on the lower link halved           euler_lagrange, energy, published
    damping taken explicitly in Euler steps    a_damped_point_mass_is_slowed
    velocity used before its update in Euler   energy (grows without bound)
    RK4's third stage from the first's slope   runge_kutta_is_of_order_four
    limit that may pull inwards                limits_push_only_inwards
    action without its gear                    euler_lagrange
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from envs.control import acrobot, cartpole, pendulum, point_mass, reacher, rigid
from tests.envs.control import lagrangian

pytestmark = pytest.mark.usefixtures("quick_compilation")

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _float64():
    with jax.enable_x64(True):
        yield


# Name: environment, its oracle, how an action pushes on the coordinates, and other
# constants than DM Control's, so that none hides in another.
BODIES = {
    "cartpole": (
        cartpole.Cartpole(),
        lagrangian.cartpole,
        lambda p, a: jnp.stack([p.gear * a[0], 0 * a[0]]),
        dict(pole_mass=0.7, pole_length=1.3, pole_radius=0.2, cart_mass=0.6, gear=7.0),
    ),
    "pendulum": (
        pendulum.Pendulum(),
        lagrangian.pendulum,
        lambda p, a: p.gear * a,
        dict(mass=1.7, length=0.8, radius=0.3, gravity=3.0, gear=2.0),
    ),
    "acrobot": (
        acrobot.Acrobot(),
        lagrangian.acrobot,
        lambda p, a: jnp.stack([0 * a[0], p.gear * a[0]]),
        dict(upper_mass=1.4, lower_mass=0.8, upper_length=0.7, lower_length=1.2),
    ),
    "reacher": (
        reacher.Reacher(),
        lagrangian.reacher,
        lambda p, a: p.gear * a,
        dict(arm_mass=0.05, hand_mass=0.02, finger_mass=0.01, hand_length=0.15),
    ),
    "point_mass": (
        point_mass.PointMass(),
        lagrangian.point_mass,
        lambda p, a: p.gear * a,
        dict(mass=0.5, gear=0.3),
    ),
}
DAMPINGS = ("damping", "cart_damping", "pole_damping")
BEYOND_REACH = dict(rail=1e6, edge=1e6, wrist_range=1e6)


def params_of(env, **chosen):
    """The body's constants without damping and limits, then what is chosen."""
    default = env.default_params
    free = {name: 0.0 for name in DAMPINGS} | BEYOND_REACH
    known = {k: v for k, v in free.items() if hasattr(default, k)}
    return default.replace(**known, **chosen)


def state_of(env, position, velocity):
    state = env.start(jax.random.key(0), env.default_params)
    directions = {"directions": jnp.eye(2)} if hasattr(state, "directions") else {}
    return state.replace(
        position=jnp.asarray(position, float),
        velocity=jnp.asarray(velocity, float),
        **directions,
    )


def size_of(env):
    """How many coordinates a body has."""
    return env.start(jax.random.key(0), env.default_params).position.size


def roll(env, state, action, params, steps):
    """Positions and velocities [steps, n] under a constant action."""

    def step(state, _):
        state = env.advance(state, jnp.asarray(action, float), params)
        return state, (state.position, state.velocity)

    scan = jax.jit(lambda state: jax.lax.scan(step, state, None, steps)[1])
    return jax.tree.map(np.asarray, scan(state))


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", BODIES)
def test_accelerations_are_those_of_euler_lagrange(name):
    env, oracle, push, others = BODIES[name]
    params = params_of(env, **others)
    body = oracle(params)
    size = size_of(env)
    draw = RNG.uniform(-3, 3, (20, 2, size))
    actions = RNG.uniform(-1, 1, (20, env.action_size))

    def expected(position, velocity, action):
        force = push(params, action)
        return lagrangian.acceleration(body, position, velocity, force)

    def ours(position, velocity, action):
        """What a step adds to the velocity, in the limit of short steps."""
        state = state_of(env, position, velocity)

        def after(timestep):
            return env.advance(state, action, params.replace(timestep=timestep))

        return jax.jvp(lambda h: after(h).velocity, (0.0,), (1.0,))[1]

    arguments = jnp.asarray(draw[:, 0]), jnp.asarray(draw[:, 1]), jnp.asarray(actions)
    # The oracle's capsules are sums over discs, right to about 1e-9.
    np.testing.assert_allclose(
        jax.jit(jax.vmap(ours))(*arguments),
        jax.jit(jax.vmap(expected))(*arguments),
        rtol=1e-7,
        atol=1e-7,
    )


# Seconds a step, the share of the largest kinetic energy that 5 s may lose or gain, and
# by how much halving the step divides it: 2^4 and 2^1 for ever shorter steps.
RUNGE_KUTTA, EULER = (0.004, 1e-5, 10), (2e-4, 5e-3, 1.8)
METHOD = dict.fromkeys(("cartpole", "acrobot"), RUNGE_KUTTA)


@pytest.mark.thinned(4)
@pytest.mark.parametrize("name", ["cartpole", "acrobot", "pendulum", "reacher"])
def test_energy_is_conserved_without_control_and_damping(name):
    env, oracle, *_ = BODIES[name]
    timestep, share, gain = METHOD.get(name, EULER)
    body = oracle(params_of(env))
    start = state_of(env, *np.array([[0.7, 1.1], [-2.0, 1.6]])[:, : size_of(env)])

    def drift(timestep):
        params = params_of(env, timestep=timestep)
        path = roll(env, start, [0.0] * env.action_size, params, round(5 / timestep))
        path = [jnp.asarray(x[:: len(x) // 500]) for x in path]
        kinetic, potential = jax.vmap(lambda q, v: lagrangian.energies(body, q, v))(
            *path
        )
        first = lagrangian.energy(body, start.position, start.velocity)
        return float(jnp.abs(kinetic + potential - first).max() / kinetic.max())

    at, finer = drift(timestep), drift(timestep / 2)
    assert at < share
    assert at / finer > gain


def florian(t, y, p, force):
    """Cart and thin rod: Florian (2007), equations 23 and 24 without friction."""
    _, angle, speed, turn = y
    half, total = p.pole_length / 2, p.cart_mass + p.pole_mass
    sine, cosine = np.sin(angle), np.cos(angle)
    share = (-force - p.pole_mass * half * turn**2 * sine) / total
    angle_acc = (p.gravity * sine + cosine * share) / (
        half * (4 / 3 - p.pole_mass * cosine**2 / total)
    )
    pull = p.pole_mass * half * (turn**2 * sine - angle_acc * cosine)
    return [speed, turn, (force + pull) / total, angle_acc]


def spong(t, y, p, torque):
    """Acrobot: Spong (1995) as Sutton and Barto (1998) print it; 0 hangs."""
    theta1, theta2, dot1, dot2 = y
    m1, m2, l1 = p.upper_mass, p.lower_mass, p.upper_length
    c1, c2 = p.upper_length / 2, p.lower_length / 2
    inertia1 = lagrangian.capsule(m1, p.upper_length, p.upper_radius)
    inertia2 = lagrangian.capsule(m2, p.lower_length, p.lower_radius)
    sine, cosine = np.sin(theta2), np.cos(theta2)
    d1 = m1 * c1**2 + m2 * (l1**2 + c2**2 + 2 * l1 * c2 * cosine) + inertia1 + inertia2
    d2 = m2 * (c2**2 + l1 * c2 * cosine) + inertia2
    phi2 = m2 * c2 * p.gravity * np.cos(theta1 + theta2 - np.pi / 2)
    phi1 = -m2 * l1 * c2 * dot2 * sine * (dot2 + 2 * dot1)
    phi1 += (m1 * c1 + m2 * l1) * p.gravity * np.cos(theta1 - np.pi / 2) + phi2
    acc2 = torque + d2 / d1 * phi1 - m2 * l1 * c2 * dot1**2 * sine - phi2
    acc2 /= m2 * c2**2 + inertia2 - d2**2 / d1
    return [dot1, dot2, -(d2 * acc2 + phi1) / d1, acc2]


def damped_pendulum(t, y, p, torque):
    """A bob on a massless rod, with friction in the hinge; 0 is up."""
    inertia = p.mass * p.length**2
    weight = p.mass * p.gravity * p.length * np.sin(y[0])
    return [y[1], (weight - p.damping * y[1] + torque) / inertia]


def integrated(equation, start, params, force, seconds):
    """Another integrator's end state, right to about 1e-10."""
    return solve_ivp(
        lambda t, y: equation(t, y, params, force),
        (0, seconds),
        start,
        method="DOP853",
        rtol=1e-11,
        atol=1e-11,
    ).y[:, -1]


def error_of(env, equation, params, action, force, start, timestep, shift=0.0):
    """How far one second of our steps ends from the published equations'."""
    size = len(start) // 2
    state = state_of(env, start[:size], start[size:])
    params = params.replace(timestep=timestep)
    position, velocity = roll(env, state, action, params, round(1 / timestep))
    turned = np.asarray(start) + shift
    wanted = integrated(equation, turned, params, force, 1.0) - shift
    return np.abs(np.concatenate([position[-1], velocity[-1]]) - wanted).max()


CART = (
    *(
        BODIES["cartpole"][0],
        florian,
        params_of(BODIES["cartpole"][0], pole_radius=0.0),
    ),
    *([0.4], 4.0, [0.1, 2.0, 0.3, -1.0]),
)
ARM = (
    *(BODIES["acrobot"][0], spong, params_of(BODIES["acrobot"][0])),
    *([-0.5], -1.0, [1.0, 0.5, 0.2, -0.4]),
)
DOWN = np.array([np.pi, 0.0, 0.0, 0.0])  # where the acrobot's angles are counted from


@pytest.mark.parametrize(
    "case, shift", [(CART, 0.0), (ARM, -DOWN)], ids=["cart", "arm"]
)
def test_published_equations_are_followed_by_runge_kutta_of_order_four(case, shift):
    at, finer = (error_of(*case, timestep, shift) for timestep in (0.01, 0.005))
    assert at < 1e-4
    assert 12 < at / finer < 20  # 2^4


def test_published_equations_are_followed_by_euler_of_order_one():
    env = BODIES["pendulum"][0]
    params = params_of(env).replace(radius=0.0, damping=0.1)
    case = (env, damped_pendulum, params, [0.6], 0.6, [2.5, 1.0])
    at, finer = (error_of(*case, timestep) for timestep in (1e-3, 5e-4))
    assert at < 5e-3
    assert 1.9 < at / finer < 2.1


def test_a_damped_point_mass_is_slowed_by_the_implicit_factor():
    env, params = BODIES["point_mass"][0], BODIES["point_mass"][0].default_params
    position, velocity = roll(
        env, state_of(env, [0, 0], [0.1, -0.05]), [0, 0], params, 5
    )
    # (m + h d) (v' - v) / h = -d v, so v' = v / (1 + h d / m); then q' = q + h v'.
    factor = 1 / (1 + 0.02 * 1.0 / 0.3)
    wanted = np.array([0.1, -0.05]) * factor ** np.arange(1, 6)[:, None]
    np.testing.assert_allclose(velocity, wanted, rtol=1e-12)
    np.testing.assert_allclose(position, 0.02 * np.cumsum(wanted, 0), rtol=1e-12)


def test_limits_push_only_inwards_and_only_beyond_the_limit():
    limit = rigid.Limit(-1.0, 2.0, 0.04)
    position = jnp.linspace(-1.01, 2.01, 603)

    def force(velocity, acceleration):
        return np.asarray(
            limit.force(
                position,
                jnp.full_like(position, velocity),
                jnp.full_like(position, acceleration),
                inverse_inertia=2.0,
                inverse_inertia_at_zero=3.0,
            )
        )

    inside = (position >= -1) & (position <= 2)
    for velocity in (-3.0, 0.0, 3.0):
        for acceleration in (-50.0, 0.0, 50.0):
            pushed = force(velocity, acceleration)
            assert (pushed[inside] == 0).all()
            assert (pushed[position < -1] >= 0).all()
            assert (pushed[position > 2] <= 0).all()
    assert (force(-3.0, 0.0)[position < -1] > 0).all()
    assert (force(3.0, 0.0)[position > 2] < 0).all()
    assert (force(3.0, 50.0)[position < -1] == 0).all()  # leaving by itself


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize(
    "name, index, limit, depth",
    [("cartpole", 0, "rail", 0.18), ("point_mass", 1, "edge", 1e-3)],
)
def test_what_is_pushed_against_a_limit_comes_to_rest_there(
    name, index, limit, depth, side
):
    env = BODIES[name][0]
    params = env.default_params
    if name == "cartpole":
        params = params.replace(pole_damping=1.0)  # else the pole swings on for long
    start = state_of(env, [0.0, np.pi if name == "cartpole" else 0.0], [0.0, 0.0])
    action = [side] * env.action_size
    path = roll(env, start, action, params, 3000)
    beyond = side * path[0][:, index] - getattr(params, limit)
    assert 0 < beyond[-1] < beyond.max() < depth
    np.testing.assert_allclose(path[1][-100:, index], 0.0, atol=1e-3)
