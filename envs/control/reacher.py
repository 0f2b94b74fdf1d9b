"""An arm of two links in a plane: bring its finger into a circle and hold it there.

DM Control's `reacher`, tasks `easy` (circle of 5 cm) and `hard` (1.5 cm). Coordinates:
the shoulder's angle (0 along x) and the wrist's (0 is straight), which ends softly at
160 degrees to either side. Two actions, torques in units of 0.05 Nm. Euler steps of
0.02 s, damping implicit. The target is drawn for each episode, 5 to 20 cm from the
shoulder.

Return at most 1000; chance: see `table`.

Observation [6] float32: both angles, the vector from finger to target (m), both angular
velocities. Reward: 1 where finger (1 cm) and target touch, else 0.
"""

import math

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.control import base, integrate, rigid
from envs.control.rewards import tolerance

# Masses in DM Control come from a density of 1000 kg/m^3.
SPHERE = 4 / 3 * math.pi * 0.01**3 * 1000
PER_LENGTH = math.pi * 0.01**2 * 1000
REACH = ("target_nearest", "target_farthest")


@struct.dataclass
class ReacherParams(base.Params):
    """The body's constants."""

    timestep: float = 0.02
    arm_mass: float = SPHERE + 0.12 * PER_LENGTH
    hand_mass: float = SPHERE + 0.1 * PER_LENGTH
    finger_mass: float = SPHERE
    arm_length: float = 0.12
    hand_length: float = 0.1
    finger_gap: float = 0.02  # from the hand's end to the finger's centre
    radius: float = 0.01  # of arm, hand and finger
    damping: float = 0.01  # of each joint
    gear: float = 0.05  # Nm per unit of action
    wrist_range: float = math.radians(160)
    wrist_time_constant: float = 0.02  # how soft the wrist's ends are
    target_size: float = 0.05
    target_nearest: float = 0.05  # distance of the target from the shoulder
    target_farthest: float = 0.2


@struct.dataclass
class ReacherState(base.State):
    """The arm, and what to reach."""

    target: Array  # [2] float32, m from the shoulder


class Reacher(base.ControlEnvironment):
    """See the module docstring."""

    action_size = 2
    observation_size = 6
    action_names = ("shoulder", "wrist")
    # Targets are drawn within reach, whatever the arm's length.
    constants = (
        ("arm_mass",),
        ("hand_mass", "finger_mass"),
        ("arm_length", "hand_length", "finger_gap", *REACH),
        *(("gear",), ("damping",)),
    )

    @property
    def default_params(self) -> ReacherParams:
        return ReacherParams()

    def start(self, key: Array, params: ReacherParams) -> ReacherState:
        arm_key, angle_key, distance_key = jax.random.split(key, 3)
        reach = jnp.stack([math.pi, params.wrist_range], dtype=jnp.float32)
        position = jax.random.uniform(arm_key, (2,), jnp.float32, -reach, reach)
        angle = jax.random.uniform(angle_key, (), jnp.float32, maxval=2 * math.pi)
        distance = jax.random.uniform(
            distance_key,
            (),
            jnp.float32,
            params.target_nearest,
            params.target_farthest,
        )
        return ReacherState(
            time=base.no_time(),
            position=position,
            velocity=jnp.zeros_like(position),
            target=distance * jnp.stack([jnp.sin(angle), jnp.cos(angle)]),
        )

    def advance(self, state, action, params):
        euler = integrate.semi_implicit_euler
        return base.moved(euler, acceleration, state, action, params)

    def get_obs(self, state, params=None, key=None):
        params = self.default_params if params is None else params
        to_target = state.target - finger(state.position, params)
        return jnp.concatenate([state.position, to_target, state.velocity])

    def reward(self, state, action, params):
        to_target = state.target - finger(state.position, params)
        touching = params.target_size + params.radius
        return tolerance(jnp.hypot(*to_target), (0.0, touching))


def finger(position: Array, params: ReacherParams) -> Array:
    """Where the finger is, [2] m from the shoulder, for angles [2]."""
    angles = jnp.cumsum(position)
    hand = params.hand_length + params.finger_gap
    x = params.arm_length * jnp.cos(angles[0]) + hand * jnp.cos(angles[1])
    y = params.arm_length * jnp.sin(angles[0]) + hand * jnp.sin(angles[1])
    return jnp.stack([x, y])


def links(params: ReacherParams) -> rigid.TwoLinks:
    """The constants of the arm's inertia; hand and finger are one rigid link."""
    arm = rigid.capsule_inertia(params.arm_mass, params.arm_length, params.radius)
    hand = rigid.capsule_inertia(params.hand_mass, params.hand_length, params.radius)
    tip = rigid.sphere_inertia(params.finger_mass, params.radius)
    half, far = params.hand_length / 2, params.hand_length + params.finger_gap
    return rigid.two_links(
        length=params.arm_length,
        first_inertia=arm + params.arm_mass * params.arm_length**2 / 4,
        second_mass=params.hand_mass + params.finger_mass,
        second_moment=params.hand_mass * half + params.finger_mass * far,
        second_inertia=hand
        + params.hand_mass * half**2
        + tip
        + params.finger_mass * far**2,
    )


def acceleration(
    position: Array, velocity: Array, action: Array, params: ReacherParams
) -> Array:
    """Second derivatives [2] of position [2], for actions [2], for an Euler step."""
    arm = links(params)
    wrist = position[1]
    matrix, straight = arm.inertia(jnp.cos(wrist)), arm.inertia(1.0)
    torque = params.gear * action - params.damping * velocity
    first, second = arm.coriolis(jnp.sin(wrist), velocity)
    first, second = torque[0] - first, torque[1] - second
    limit = rigid.Limit(
        -params.wrist_range,
        params.wrist_range,
        jnp.maximum(params.wrist_time_constant, 2 * params.timestep),
    )
    second += limit.force(
        wrist,
        velocity[1],
        matrix.solve(first, second)[1],
        inverse_inertia=matrix.a / matrix.determinant,
        inverse_inertia_at_zero=straight.a / straight.determinant,
    )
    slowed = params.timestep * params.damping
    return jnp.stack(matrix.add_diagonal(slowed, slowed).solve(first, second))
