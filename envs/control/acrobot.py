"""A hanging arm of two links with a motor in its elbow alone: get the tip up high.

DM Control's `acrobot`, task `swingup`, smooth or sparse (Coulom's constants, 2002).
Coordinates: the shoulder's angle (0 is up) and the elbow's (0 is straight). One action,
the elbow's torque in units of 2 Nm. Runge-Kutta steps of 0.01 s.

Measures control of an underactuated, chaotic body. Return at most 1000; chance: see
`table`.

Observation [6] float32: sin of the upper and of the lower arm's angle to the vertical,
cos of both, then shoulder' and elbow'.

Reward: 1 while the tip is within 0.2 m of the highest point it can reach, falling to
0.1 another 1 m away; sparse: 0 there.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.control import base, integrate, rigid
from envs.control.rewards import tolerance


@struct.dataclass
class AcrobotParams(base.Params):
    """The body's constants."""

    timestep: float = 0.01
    gravity: float = 9.81
    upper_mass: float = 1.0
    lower_mass: float = 1.0
    upper_length: float = 1.0
    lower_length: float = 1.0
    upper_radius: float = 0.05
    lower_radius: float = 0.049
    damping: float = 0.05  # of each joint
    gear: float = 2.0  # Nm per unit of action
    target_radius: float = 0.2


class Acrobot(base.ControlEnvironment):
    """See the module docstring.

    Args:
      sparse: whether the reward is 0 or 1.
    """

    observation_size = 6
    action_names = ("torque",)
    constants = (
        *(("upper_mass",), ("lower_mass",), ("upper_length",), ("lower_length",)),
        *(("gravity",), ("gear",), ("damping",)),
    )

    def __init__(self, sparse: bool = False):
        self.sparse = sparse

    @property
    def default_params(self) -> AcrobotParams:
        return AcrobotParams()

    def start(self, key: Array, params: AcrobotParams) -> base.State:
        angles = jax.random.uniform(key, (2,), jnp.float32, -math.pi, math.pi)
        return base.at_rest(angles)

    def advance(self, state, action, params):
        return base.moved(integrate.rk4, acceleration, state, action[0], params)

    def get_obs(self, state, params=None, key=None):
        angles = jnp.cumsum(state.position)  # of both arms to the vertical
        return jnp.concatenate([jnp.sin(angles), jnp.cos(angles), state.velocity])

    def reward(self, state, action, params):
        angles = jnp.cumsum(state.position)
        lengths = jnp.stack([params.upper_length, params.lower_length])
        sideways = jnp.sum(lengths * jnp.sin(angles))
        below = jnp.sum(lengths * (1 - jnp.cos(angles)))
        return tolerance(
            jnp.hypot(sideways, below),
            (0.0, params.target_radius),
            margin=0 if self.sparse else 1,
        )


def links(params: AcrobotParams) -> rigid.TwoLinks:
    """The constants of the arm's inertia."""
    upper = rigid.capsule_inertia(
        params.upper_mass, params.upper_length, params.upper_radius
    )
    lower = rigid.capsule_inertia(
        params.lower_mass, params.lower_length, params.lower_radius
    )
    return rigid.two_links(
        length=params.upper_length,
        first_inertia=upper + params.upper_mass * params.upper_length**2 / 4,
        second_mass=params.lower_mass,
        second_moment=params.lower_mass * params.lower_length / 2,
        second_inertia=lower + params.lower_mass * params.lower_length**2 / 4,
    )


def acceleration(
    position: Array, velocity: Array, action: Array, params: AcrobotParams
) -> Array:
    """Second derivatives [2] of position [2], for an action []."""
    shoulder, elbow = position
    arm = links(params)
    carried = params.upper_mass / 2 + params.lower_mass  # as if all at the elbow
    lower_moment = params.lower_mass * params.lower_length / 2
    upper_pull = carried * params.upper_length * params.gravity * jnp.sin(shoulder)
    lower_pull = lower_moment * params.gravity * jnp.sin(shoulder + elbow)
    first, second = arm.coriolis(jnp.sin(elbow), velocity)
    drag = params.damping * velocity
    return jnp.stack(
        arm.inertia(jnp.cos(elbow)).solve(
            upper_pull + lower_pull - first - drag[0],
            lower_pull + params.gear * action - second - drag[1],
        )
    )
