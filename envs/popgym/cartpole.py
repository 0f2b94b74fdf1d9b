"""CartPole with half of its state hidden: infer the rest from the past.

Three families over the physics of gymnasium's CartPole (Euler, 0.02 s):

- `PositionOnlyCartPole` shows cart position and pole angle (the paper calls it
  StatelessCartPole); differences over time give the velocities.
- `NoisyPositionOnlyCartPole` adds noise of sigma 0.1 / 0.2 / 0.3 to both and clips to
  the bounds +-4.8, +-0.419: the past also has to be averaged.
- `VelocityOnlyCartPole` shows the two velocities; positions are their sum over time.

Chance 0.11 over 200 steps (0.057 over 400, 0.038 over 600), best 1, worst 0.047
(0.023, 0.016): `1/L` every step, the falling step included. Observation [2] float32;
action 0 left, 1 right. Terminates when |x| > 2.4 or |angle| > 12 degrees, truncates
after L steps; both can be true. L is `params.max_steps_in_episode` and scales the
reward. Markov state [4]: x, x', angle, angle'.

Quirk of the reference, kept: VelocityOnlyCartPole's *first* observation is the two
positions, velocities come only from the first step on. `first_obs="velocities"`
corrects it. The unnoisy observations are not clipped.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import spaces
from jax import Array

from envs.contract import expert
from envs.popgym import base, noise

GRAVITY, CART_MASS, POLE_MASS, HALF_LENGTH = 9.8, 1.0, 0.1, 0.5
FORCE, TAU = 10.0, 0.02
X_LIMIT, THETA_LIMIT = 2.4, math.radians(12)
POSITIONS, VELOCITIES = (0, 2), (1, 3)


@struct.dataclass
class CartPoleState(base.EnvState):
    """The physics, and the clock."""

    time: Array  # [] int32
    physics: Array  # [4] float32: x, x', angle, angle'


class PositionOnlyCartPole(base.PopgymEnvironment):
    """Shows position and angle; see the module docstring."""

    action_axes = (2,)
    shown = POSITIONS
    shown_first = POSITIONS
    bounds = (2 * X_LIMIT, 2 * THETA_LIMIT)

    @property
    def default_params(self) -> base.EnvParams:
        return base.EnvParams(max_steps_in_episode=200)

    def observation_space(self, params=None):
        high = jnp.asarray(self.bounds, jnp.float32)
        return spaces.Box(-high, high, (2,), jnp.float32)

    def encode(self, label):
        return label

    def draw_hidden(self, key, params):
        return {"state": jax.random.uniform(key, (4,), jnp.float32, -0.05, 0.05)}

    def start(self, hidden, params):
        physics = jnp.asarray(hidden["state"], jnp.float32)
        state = CartPoleState(time=base.no_time(), physics=physics)
        return physics[jnp.asarray(self.shown_first)], state

    def transition(self, state, action, draw, params):
        physics = euler_step(state.physics, action)
        state = state.replace(time=state.time + 1, physics=physics)
        reward = 1.0 / jnp.asarray(params.max_steps_in_episode, jnp.float32)
        return physics[jnp.asarray(self.shown)], state, reward

    def is_terminated(self, state, params):
        x, _, theta, _ = state.physics
        return (jnp.abs(x) > X_LIMIT) | (jnp.abs(theta) > THETA_LIMIT)

    def best_actions(self, state, params):
        """[2] bool: a controller's push.

        From where episodes start the pole never falls, which is all there is to earn.
        Nothing is claimed of poles that another player has brought to the edge.
        """
        x, x_dot, theta, theta_dot = state.physics
        lean = theta + 0.25 * theta_dot + 0.02 * x + 0.05 * x_dot
        return expert.only((lean > 0).astype(jnp.int32), self.num_actions)

    def markov_state(self, state, params):
        return state.physics


class VelocityOnlyCartPole(PositionOnlyCartPole):
    """Shows the two velocities.

    Args:
      first_obs: "positions", as the reference does, or "velocities", as it should.
    """

    shown = VELOCITIES
    bounds = (math.inf, math.inf)

    def __init__(self, first_obs: str = "positions"):
        super().__init__()
        known = {"positions": POSITIONS, "velocities": VELOCITIES}
        if first_obs not in known:
            raise ValueError(
                f"first_obs must be 'positions' or 'velocities'; got {first_obs!r}."
            )
        self.shown_first = known[first_obs]


class NoisyPositionOnlyCartPole(noise.NoisyObservation, PositionOnlyCartPole):
    """Shows position and angle under noise; see the module docstring."""


def euler_step(physics: Array, action: Array) -> Array:
    """One explicit Euler step of Barto, Sutton and Anderson's cart, [4] to [4]."""
    _, x_dot, theta, theta_dot = physics
    force = jnp.where(action == 1, FORCE, -FORCE)
    sin, cos = jnp.sin(theta), jnp.cos(theta)
    total_mass = CART_MASS + POLE_MASS
    pole_moment = POLE_MASS * HALF_LENGTH
    push = (force + pole_moment * theta_dot**2 * sin) / total_mass
    theta_acc = (GRAVITY * sin - cos * push) / (
        HALF_LENGTH * (4.0 / 3.0 - POLE_MASS * cos**2 / total_mass)
    )
    x_acc = push - pole_moment * theta_acc * cos / total_mass
    return physics + TAU * jnp.stack([x_dot, x_acc, theta_dot, theta_acc])
