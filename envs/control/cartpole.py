"""Cart and pole on a rail: swing the pole up, or only keep it there.

DM Control's `cartpole`: tasks `balance` and `swingup`, smooth or sparse. Coordinates:
the cart's place x (m) and the pole's angle (0 is up, towards +x). The rail ends softly
at |x| = 1.8 m. One action, the cart's force in units of 10 N. Runge-Kutta steps of
0.01 s.

Measures balance and, in `swingup`, planning over a short rail. Return at most 1000;
chance: see `table`.

Observation [5] float32: x, cos(angle), sin(angle), x', angle'.

Reward: (1 + cos) / 2 times factors for a cart near the middle, little control and a
pole that turns slowly; sparse: 1 where |x| <= 0.25 and cos >= 0.995, else 0.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.control import base, integrate, rigid
from envs.control.rewards import tolerance

POLE_ANGLE = 1  # index of the angle; the cart's place is 0


@struct.dataclass
class CartpoleParams(base.Params):
    """The body's constants."""

    timestep: float = 0.01
    gravity: float = 9.81
    cart_mass: float = 1.0
    pole_mass: float = 0.1
    pole_length: float = 1.0
    pole_radius: float = 0.045
    cart_damping: float = 5e-4
    pole_damping: float = 2e-6
    gear: float = 10.0  # N per unit of action
    rail: float = 1.8  # half its length
    rail_time_constant: float = 0.08  # how soft its ends are


class Cartpole(base.ControlEnvironment):
    """See the module docstring.

    Args:
      swing_up: whether the pole hangs at the start.
      sparse: whether the reward is 0 or 1.
    """

    observation_size = 5
    action_names = ("force",)
    # Without damping: there is next to none, and twice as much cannot be told from it.
    constants = (
        *(("cart_mass",), ("pole_mass",), ("pole_length",), ("gravity",), ("gear",)),
    )

    def __init__(self, swing_up: bool = True, sparse: bool = False):
        self.swing_up, self.sparse = swing_up, sparse

    @property
    def default_params(self) -> CartpoleParams:
        return CartpoleParams()

    def start(self, key: Array, params: CartpoleParams) -> base.State:
        position_key, velocity_key = jax.random.split(key)
        if self.swing_up:
            position = 0.01 * jax.random.normal(position_key, (2,), jnp.float32)
            position = position.at[POLE_ANGLE].add(math.pi)
        else:
            reach = jnp.asarray([0.1, 0.034], jnp.float32)
            position = jax.random.uniform(
                position_key, (2,), jnp.float32, -reach, reach
            )
        velocity = 0.01 * jax.random.normal(velocity_key, (2,), jnp.float32)
        return base.State(time=base.no_time(), position=position, velocity=velocity)

    def advance(self, state, action, params):
        return base.moved(integrate.rk4, acceleration, state, action[0], params)

    def get_obs(self, state, params=None, key=None):
        x, angle = state.position
        where = jnp.stack([x, jnp.cos(angle), jnp.sin(angle)])
        return jnp.concatenate([where, state.velocity])

    def reward(self, state, action, params):
        x, angle = state.position
        upright = jnp.cos(angle)
        if self.sparse:
            return tolerance(x, (-0.25, 0.25)) * tolerance(upright, (0.995, 1.0))
        centred = tolerance(x, margin=2)
        still = tolerance(state.velocity[POLE_ANGLE], margin=5)
        idle = tolerance(action[0], margin=1, value_at_margin=0, sigmoid="quadratic")
        smooth = (1 + centred) / 2 * (1 + still) / 2 * (4 + idle) / 5
        return (1 + upright) / 2 * smooth


def inertia(angle_cosine, params: CartpoleParams) -> rigid.Symmetric:
    """Of the cart's place and the pole's angle."""
    lever = params.pole_length / 2
    moment = params.pole_mass * lever
    about_centre = rigid.capsule_inertia(
        params.pole_mass, params.pole_length, params.pole_radius
    )
    return rigid.Symmetric(
        params.cart_mass + params.pole_mass,
        moment * angle_cosine,
        about_centre + moment * lever,
    )


def acceleration(
    position: Array, velocity: Array, action: Array, params: CartpoleParams
) -> Array:
    """Second derivatives [2] of position [2], for an action []."""
    x, angle = position
    x_dot, angle_dot = velocity
    sine, cosine = jnp.sin(angle), jnp.cos(angle)
    moment = params.pole_mass * params.pole_length / 2
    matrix = inertia(cosine, params)
    push = params.gear * action - params.cart_damping * x_dot
    push += moment * sine * angle_dot**2
    torque = moment * params.gravity * sine - params.pole_damping * angle_dot
    free, _ = matrix.solve(push, torque)
    upright = inertia(1.0, params)
    limit = rigid.Limit(
        -params.rail,
        params.rail,
        jnp.maximum(params.rail_time_constant, 2 * params.timestep),
    )
    push += limit.force(
        x,
        x_dot,
        free,
        inverse_inertia=matrix.c / matrix.determinant,
        inverse_inertia_at_zero=upright.c / upright.determinant,
    )
    return jnp.stack(matrix.solve(push, torque))
