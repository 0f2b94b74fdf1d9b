"""Pendulum with its velocity hidden: swing up from positions alone.

Two families over the physics of gymnasium's Pendulum (semi-implicit Euler, 0.05 s):

- `PositionOnlyPendulum` shows cos and sin of the angle (the paper: StatelessPendulum).
- `NoisyPositionOnlyPendulum` adds noise of sigma 0.1 / 0.2 / 0.3 and clips to [-1, 1].

Chance 0.25; a hand-made controller that sees the state gets 0.91 over 200 steps, 0.88
over 150, 0.81 over 100. Observation [2] float32. Action [1] float32: a torque, clipped
to +-2. Never terminates; truncates after L steps: 200 / 150 / 100, so Hard is the
*shortest* (a quirk; the noisy family has L = 200 throughout). Markov state [3]: cos,
sin, angle'.

Reward, from the state *before* the step: the usual cost, mapped linearly from
[-16.2736044, 0] to [-1/L, 1/L]. L is `params.max_steps_in_episode`.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces
from jax import Array

from envs.popgym import base, noise

GRAVITY, MASS, LENGTH, DT = 10.0, 1.0, 1.0, 0.05
MAX_SPEED, MAX_TORQUE = 8.0, 2.0
LARGEST_COST = 16.2736044


@struct.dataclass
class PendulumState(base.EnvState):
    """The physics, and the clock."""

    time: Array  # [] int32
    physics: Array  # [2] float32: angle (0 is upright, unbounded), angle'


class PositionOnlyPendulum(base.PopgymEnvironment):
    """Shows where the pendulum points; see the module docstring."""

    bounds = (1.0, 1.0)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=200)

    @property
    def num_actions(self) -> int:
        return 1

    def action_space(self, params=None):
        return spaces.Box(-MAX_TORQUE, MAX_TORQUE, (1,), jnp.float32)

    def observation_space(self, params=None):
        return spaces.Box(-1.0, 1.0, (2,), jnp.float32)

    def encode(self, label):
        return label

    def draw_hidden(self, key, params):
        high = jnp.asarray([math.pi, 1.0], jnp.float32)
        return {"state": jax.random.uniform(key, (2,), jnp.float32, -high, high)}

    def start(self, hidden, params):
        physics = jnp.asarray(hidden["state"], jnp.float32)
        state = PendulumState(time=base.no_time(), physics=physics)
        return direction(physics[0]), state

    def transition(self, state, action, draw, params):
        torque = jnp.asarray(action, jnp.float32).reshape(())
        physics, cost = swing(state.physics, jnp.clip(torque, -MAX_TORQUE, MAX_TORQUE))
        state = state.replace(time=state.time + 1, physics=physics)
        length = jnp.asarray(params.max_steps_in_episode, jnp.float32)
        reward = (1.0 - 2.0 * cost / LARGEST_COST) / length
        return direction(physics[0]), state, reward

    def markov_state(self, state, params):
        theta, theta_dot = state.physics
        return jnp.append(direction(theta), theta_dot)


class NoisyPositionOnlyPendulum(noise.NoisyObservation, PositionOnlyPendulum):
    """Shows where the pendulum points, under noise; see the module docstring."""


def swing(physics: Array, torque: Array) -> tuple[Array, Array]:
    """One step from [2] to [2], and the cost [] of the state it started in."""
    theta, theta_dot = physics
    angle = (theta + math.pi) % (2 * math.pi) - math.pi
    cost = angle**2 + 0.1 * theta_dot**2 + 0.001 * torque**2
    theta_acc = 1.5 * GRAVITY / LENGTH * jnp.sin(theta)
    theta_acc += 3.0 / (MASS * LENGTH**2) * torque
    theta_dot = jnp.clip(theta_dot + theta_acc * DT, -MAX_SPEED, MAX_SPEED)
    return jnp.stack([theta + theta_dot * DT, theta_dot]), cost


def direction(theta: Array) -> Array:
    """Where an angle points: cos and sin, [2]."""
    return jnp.stack([jnp.cos(theta), jnp.sin(theta)])
