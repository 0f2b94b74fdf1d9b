"""The bodies once more, from where their parts are: an oracle for the equations.

A body is a list of rigid parts, each with mass, inertia, and place and angle as a
function of the coordinates. Velocities, energies and, by the Euler-Lagrange equations,
accelerations follow by differentiation; no equation of motion is written down.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Part(NamedTuple):
    mass: float
    inertia: float  # about its centre
    place: object  # position [n] -> [3]: across, up, angle


@functools.cache
def capsule(mass, length, radius):
    """Inertia of a capsule across its axis, summed over discs."""
    edges = np.linspace(-length / 2 - radius, length / 2 + radius, 200_001)
    at, thickness = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    beyond = np.maximum(np.abs(at) - length / 2, 0)
    disc = np.sqrt(np.maximum(radius**2 - beyond**2, 0))
    weight = disc**2 * thickness
    return mass * (weight @ (at**2 + disc**2 / 4)) / weight.sum()


def cartpole(p):
    lever = p.pole_length / 2

    def pole(q):
        return jnp.stack([q[0] + lever * jnp.sin(q[1]), lever * jnp.cos(q[1]), q[1]])

    inertia = capsule(p.pole_mass, p.pole_length, p.pole_radius)
    cart = Part(p.cart_mass, 0.0, lambda q: jnp.stack([q[0], 0 * q[0], 0 * q[0]]))
    return p.gravity, [cart, Part(p.pole_mass, inertia, pole)]


def pendulum(p):
    def bob(q):
        return jnp.stack(
            [p.length * jnp.sin(q[0]), p.length * jnp.cos(q[0]), q[0]]
        )  # fmt: skip

    return p.gravity, [Part(p.mass, 0.4 * p.mass * p.radius**2, bob)]


def arm(q, first, second):
    """`second` along the second link from the elbow, `first` along the first."""
    a, b = q[0], q[0] + q[1]
    return jnp.stack(
        [
            first * jnp.sin(a) + second * jnp.sin(b),
            first * jnp.cos(a) + second * jnp.cos(b),
            b if second else a,
        ]
    )


def acrobot(p):
    upper = capsule(p.upper_mass, p.upper_length, p.upper_radius)
    lower = capsule(p.lower_mass, p.lower_length, p.lower_radius)
    return p.gravity, [
        Part(p.upper_mass, upper, lambda q: arm(q, p.upper_length / 2, 0.0)),
        Part(p.lower_mass, lower, lambda q: arm(q, p.upper_length, p.lower_length / 2)),
    ]


def reacher(p):
    # In a horizontal plane: which way an angle is measured makes no difference.
    far = p.hand_length + p.finger_gap
    links = capsule(p.arm_mass, p.arm_length, p.radius)
    hand = capsule(p.hand_mass, p.hand_length, p.radius)
    tip = 0.4 * p.finger_mass * p.radius**2
    return 0.0, [
        Part(p.arm_mass, links, lambda q: arm(q, p.arm_length / 2, 0.0)),
        Part(p.hand_mass, hand, lambda q: arm(q, p.arm_length, p.hand_length / 2)),
        Part(p.finger_mass, tip, lambda q: arm(q, p.arm_length, far)),
    ]


def point_mass(p):
    return 0.0, [Part(p.mass, 0.0, lambda q: jnp.stack([q[0], q[1], 0 * q[0]]))]


def energies(body, position, velocity):
    """(kinetic, potential), joule."""
    gravity, parts = body
    kinetic = potential = 0.0
    for part in parts:
        place, change = jax.jvp(part.place, (position,), (velocity,))
        weights = jnp.asarray([part.mass, part.mass, part.inertia])
        kinetic += 0.5 * jnp.sum(weights * change**2)
        potential += gravity * part.mass * place[1]
    return kinetic, potential


def energy(body, position, velocity):
    return sum(energies(body, position, velocity))


def acceleration(body, position, velocity, force):
    """Euler-Lagrange: d/dt dL/dv - dL/dq = force, solved for the second derivative."""

    def lagrangian(q, v):
        kinetic, potential = energies(body, q, v)
        return kinetic - potential

    inertia = jax.hessian(lagrangian, 1)(position, velocity)
    momentum_change = jax.jacfwd(jax.grad(lagrangian, 1))(position, velocity)
    pull = jax.grad(lagrangian)(position, velocity)
    return jnp.linalg.solve(inertia, force + pull - momentum_change @ velocity)
