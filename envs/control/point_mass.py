"""A point mass on a table, pushed to its middle.

DM Control's `point_mass`, tasks `easy` and `hard`. Coordinates: x and y (m); the table
ends softly at |x|, |y| = 0.29. Two actions, forces in units of 0.1 N, against a damping
of 1 N s/m: at most 0.1 m/s. In `easy` they push along x and y; in `hard` along two
directions that are drawn for each episode and never shown. Euler steps of 0.02 s,
damping implicit.

`hard` measures system identification: which action does what. Return at most 1000;
chance: see `table`.

Observation [4] float32: x, y, x', y'.

Reward: 1 within 1.5 cm of the middle, falling to 0.1 another 1.5 cm away, times a
factor between 0.8 and 1 for little control.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.control import base, integrate, rigid
from envs.control.rewards import tolerance

PARALLEL = 0.9  # cosine between two directions that are too alike


@struct.dataclass
class PointMassParams(base.Params):
    """The body's constants."""

    timestep: float = 0.02
    mass: float = 0.3
    damping: float = 1.0
    gear: float = 0.1  # N per unit of action
    edge: float = 0.29  # half the table's width
    edge_time_constant: float = 0.02  # how soft the edges are
    target_size: float = 0.015


@struct.dataclass
class PointMassState(base.State):
    """The mass, and where the actions push it."""

    directions: Array  # [2, 2] float32, row i is action i's unit vector


class PointMass(base.ControlEnvironment):
    """See the module docstring.

    Args:
      random_directions: whether each episode draws where the actions push.
    """

    action_size = 2
    observation_size = 4
    action_names = ("actuator 1", "actuator 2")
    constants = (("mass",), ("gear",), ("damping",))

    def __init__(self, random_directions: bool = False):
        self.random_directions = random_directions

    @property
    def default_params(self) -> PointMassParams:
        return PointMassParams()

    def start(self, key: Array, params: PointMassParams) -> PointMassState:
        position_key, directions_key = jax.random.split(key)
        position = jax.random.uniform(
            position_key, (2,), jnp.float32, -params.edge, params.edge
        )
        return PointMassState(
            time=base.no_time(),
            position=position,
            velocity=jnp.zeros_like(position),
            directions=(
                draw_directions(directions_key)
                if self.random_directions
                else jnp.eye(2, dtype=jnp.float32)
            ),
        )

    def advance(self, state, action, params):
        push = params.gear * jnp.sum(state.directions * action[:, None], axis=0)
        euler = integrate.semi_implicit_euler
        return base.moved(euler, acceleration, state, push, params)

    def get_obs(self, state, params=None, key=None):
        return jnp.concatenate([state.position, state.velocity])

    def reward(self, state, action, params):
        near = tolerance(
            jnp.hypot(*state.position),
            (0.0, params.target_size),
            margin=params.target_size,
        )
        idle = tolerance(action, margin=1, value_at_margin=0, sigmoid="quadratic")
        return near * (4 + jnp.mean(idle)) / 5


def draw_directions(key: Array) -> Array:
    """Two unit vectors [2, 2], uniform among pairs with |cosine| <= `PARALLEL`.

    DM Control draws pairs until one is far enough from parallel. The angle between them
    is then uniform over what is left, and can be drawn at once.
    """
    first_key, between_key, side_key = jax.random.split(key, 3)
    least = math.acos(PARALLEL)
    first = jax.random.uniform(first_key, (), jnp.float32, -math.pi, math.pi)
    between = jax.random.uniform(between_key, (), jnp.float32, least, math.pi - least)
    second = first + jnp.where(jax.random.bernoulli(side_key), between, -between)
    angles = jnp.stack([first, second])
    return jnp.stack([jnp.cos(angles), jnp.sin(angles)], axis=1)


def acceleration(
    position: Array, velocity: Array, push: Array, params: PointMassParams
) -> Array:
    """Second derivatives [2] of position [2], for a force [2], for an Euler step."""
    force = push - params.damping * velocity
    edge = rigid.Limit(
        -params.edge,
        params.edge,
        jnp.maximum(params.edge_time_constant, 2 * params.timestep),
    )
    # x and y do not couple, so each edge is a constraint by itself.
    force += edge.force(
        position,
        velocity,
        force / params.mass,
        inverse_inertia=1 / params.mass,
        inverse_inertia_at_zero=1 / params.mass,
    )
    return force / (params.mass + params.timestep * params.damping)
