"""A car too weak for its hill: rock it out of the valley and stay on top.

DM Control has no such task. Hill, car and start are those of gymnasium's
MountainCarContinuous-v0 (Moore, 1990, with a continuous action), number for number;
reward and clock are in DM Control's manner, so that returns compare with the other
bodies': 1 for each step in which the car is at or beyond the flag (gymnasium ends the
episode there, with 100 for arriving and a price of 0.1 action^2 a step), 1000 steps,
never terminated. Beyond the flag the hill falls away towards the wall, and the car
stays. For gymnasium's own reward take `gymnax/MountainCarContinuous-v0`.

Measures exploration: nothing but the flag is rewarded. Return at most 1000; chance: see
`table`. Observation [2] float32: position, velocity (per step, as gymnasium's).
"""

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.control import base
from envs.control.rewards import tolerance


@struct.dataclass
class MountainCarParams(base.Params):
    """The body's constants, in gymnasium's units: one step is the unit of time."""

    gravity: float = 0.0025
    power: float = 0.0015
    wall: float = -1.2  # stops the car
    end: float = 0.6  # holds it
    max_speed: float = 0.07
    goal: float = 0.45


class MountainCar(base.ControlEnvironment):
    """See the module docstring."""

    observation_size = 2
    action_names = ("push",)
    # Both together are how steep the hill is; the car's top speed still climbs it.
    constants = (("gravity", "power"), ("power",))

    @property
    def default_params(self) -> MountainCarParams:
        return MountainCarParams()

    def start(self, key: Array, params: MountainCarParams) -> base.State:
        position = jax.random.uniform(key, (1,), jnp.float32, -0.6, -0.4)
        return base.at_rest(position)

    def advance(self, state, action, params):
        slope = jnp.cos(3 * state.position)
        velocity = state.velocity + params.power * action - params.gravity * slope
        velocity = jnp.clip(velocity, -params.max_speed, params.max_speed)
        position = jnp.clip(state.position + velocity, params.wall, params.end)
        stopped = (position <= params.wall) & (velocity < 0)
        velocity = jnp.where(stopped, jnp.zeros_like(velocity), velocity)
        return state.replace(position=position, velocity=velocity)

    def get_obs(self, state, params=None, key=None):
        return jnp.concatenate([state.position, state.velocity])

    def reward(self, state, action, params):
        return tolerance(state.position[0], (params.goal, jnp.inf))
