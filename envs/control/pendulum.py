"""A pendulum too heavy for its motor: swing it up by rocking it.

DM Control's `pendulum`, task `swingup`. One coordinate, the angle (0 is up). A bob of
1 kg at 0.5 m needs 4.9 Nm to be lifted; the action is a torque of up to 1 Nm. Euler
steps of 0.02 s, damping implicit.

Measures exploration: the reward is 1 within 8 degrees of upright, else 0. Return at
most 1000; chance: see `table`.

Observation [3] float32: cos(angle), sin(angle), angle'.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.control import base, integrate, rigid
from envs.control.rewards import tolerance

UPRIGHT = math.cos(math.radians(8))


@struct.dataclass
class PendulumParams(base.Params):
    """The body's constants."""

    timestep: float = 0.02
    gravity: float = 9.81
    mass: float = 1.0
    length: float = 0.5  # from the hinge to the bob's centre
    radius: float = 0.05  # of the bob
    damping: float = 0.1
    gear: float = 1.0  # Nm per unit of action


class Pendulum(base.ControlEnvironment):
    """See the module docstring."""

    observation_size = 3
    action_names = ("torque",)
    constants = (("mass",), ("length",), ("gravity",), ("gear",), ("damping",))

    @property
    def default_params(self) -> PendulumParams:
        return PendulumParams()

    def start(self, key: Array, params: PendulumParams) -> base.State:
        angle = jax.random.uniform(key, (1,), jnp.float32, -math.pi, math.pi)
        return base.at_rest(angle)

    def advance(self, state, action, params):
        euler = integrate.semi_implicit_euler
        return base.moved(euler, acceleration, state, action, params)

    def get_obs(self, state, params=None, key=None):
        angle = state.position
        return jnp.concatenate([jnp.cos(angle), jnp.sin(angle), state.velocity])

    def reward(self, state, action, params):
        return tolerance(jnp.cos(state.position[0]), (UPRIGHT, 1.0))


def acceleration(
    position: Array, velocity: Array, action: Array, params: PendulumParams
) -> Array:
    """Second derivative [1] of position [1], for an action [1], for an Euler step."""
    moment = params.mass * params.length
    about_centre = rigid.sphere_inertia(params.mass, params.radius)
    inertia = moment * params.length + about_centre
    torque = params.gear * action - params.damping * velocity
    torque += moment * params.gravity * jnp.sin(position)
    return torque / (inertia + params.timestep * params.damping)
