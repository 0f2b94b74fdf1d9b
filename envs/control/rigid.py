"""Rigid bodies in a plane: inertias, two coupled coordinates, a soft joint limit."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

Number = float | Array


def sphere_inertia(mass: Number, radius: Number) -> Number:
    """Inertia of a solid sphere about its centre, kg m^2."""
    return 0.4 * mass * radius**2


def capsule_inertia(mass: Number, length: Number, radius: Number) -> Number:
    """Inertia of a solid capsule across its axis, about its centre, kg m^2.

    A cylinder of `length` and two half spheres beyond its ends, of one density. Each
    half sphere's centre lies 3/8 radius beyond the cylinder. Radius 0 is a thin rod.
    """
    caps = 4 * radius / (3 * length + 4 * radius)  # their share of the mass
    cylinder_inertia = length**2 / 12 + radius**2 / 4
    caps_inertia = 0.4 * radius**2 + 0.375 * length * radius + length**2 / 4
    return mass * ((1 - caps) * cylinder_inertia + caps * caps_inertia)


class Symmetric(NamedTuple):
    """A symmetric matrix [[a, b], [b, c]]: the inertia of two coupled coordinates."""

    a: Number
    b: Number
    c: Number

    @property
    def determinant(self) -> Number:
        return self.a * self.c - self.b**2

    def solve(self, x: Array, y: Array) -> tuple[Array, Array]:
        """The two numbers that the matrix maps to (x, y)."""
        scale = 1 / self.determinant
        return (self.c * x - self.b * y) * scale, (self.a * y - self.b * x) * scale

    def add_diagonal(self, x: Number, y: Number) -> "Symmetric":
        return Symmetric(self.a + x, self.b, self.c + y)


class TwoLinks(NamedTuple):
    """An arm of two links in a plane: the constants of its equations of motion.

    Coordinates are the first link's angle and the second's *relative* to it.
    """

    shoulder: Number  # all inertia about the shoulder, less 2 coupling cos(elbow)
    coupling: Number  # first link's length times the second's m c
    elbow: Number  # the second link's inertia about the elbow

    def inertia(self, elbow_cosine: Number) -> Symmetric:
        shared = self.coupling * elbow_cosine
        return Symmetric(self.shoulder + 2 * shared, self.elbow + shared, self.elbow)

    def coriolis(self, elbow_sine: Number, velocity: Array) -> tuple[Array, Array]:
        """Torques that keep both angular velocities [2] constant, without gravity."""
        first, second = velocity
        pull = self.coupling * elbow_sine
        return -pull * second * (2 * first + second), pull * first**2


def two_links(
    *,
    length: Number,
    first_inertia: Number,
    second_mass: Number,
    second_moment: Number,
    second_inertia: Number,
) -> TwoLinks:
    """An arm from its links.

    Args:
      length: of the first link, from shoulder to elbow.
      first_inertia: of the first link, about the shoulder.
      second_mass: of all that moves with the second link.
      second_moment: its mass times the distance of its centre from the elbow.
      second_inertia: its inertia about the elbow.
    """
    return TwoLinks(
        shoulder=first_inertia + second_mass * length**2 + second_inertia,
        coupling=length * second_moment,
        elbow=second_inertia,
    )


class Limit(NamedTuple):
    """A soft limit of one coordinate: MuJoCo's, with its default `solimp`.

    A violated limit is a constraint of its own dimension one, so MuJoCo's optimisation
    over constraint forces has a closed form, and nothing is approximated here:

        force = max(0, (wanted - free acceleration) / (A + R))

    towards the inside, where `wanted` is a critically damped spring's acceleration, A
    the coordinate's inverse inertia and R = A_0 (1 - d) / d its regularisation, for an
    impedance d that grows from 0.9 at the limit to 0.95 at a depth of 1 mm (MuJoCo's
    documentation, "Computation", the sections on the solver's parameters).
    """

    lower: Number
    upper: Number
    time_constant: Number  # seconds; MuJoCo's solref[0], two time steps at least

    def force(
        self,
        position: Array,
        velocity: Array,
        acceleration: Array,
        *,
        inverse_inertia: Number,
        inverse_inertia_at_zero: Number,
    ) -> Array:
        """The force on the coordinate, 0 inside the limits; arguments [...] alike.

        Args:
          position: of the coordinate; metres or radians, as the rest.
          velocity: its change.
          acceleration: what it would be without this force.
          inverse_inertia: A, its change for a unit force.
          inverse_inertia_at_zero: A_0, the same where all coordinates are 0.
        """
        from_lower, from_upper = position - self.lower, self.upper - position
        depth = jnp.minimum(from_lower, from_upper)  # negative beyond a limit
        inwards = jnp.where(from_lower < from_upper, 1.0, -1.0).astype(position.dtype)
        impedance = _impedance(-depth)
        spring = impedance / (_HIGHEST * self.time_constant) ** 2
        damper = 2 / (_HIGHEST * self.time_constant)
        wanted = -spring * depth - damper * inwards * velocity
        softness = inverse_inertia_at_zero * (1 - impedance) / impedance
        force = (wanted - inwards * acceleration) / (inverse_inertia + softness)
        return jnp.where(depth < 0, inwards * jnp.maximum(force, 0.0), 0.0)


_LOWEST, _HIGHEST, _WIDTH = 0.9, 0.95, 0.001  # MuJoCo's default solimp


def _impedance(depth: Array) -> Array:
    """From `_LOWEST` at depth 0 to `_HIGHEST` at `_WIDTH`, on two parabolas."""
    x = jnp.clip(depth / _WIDTH, 0.0, 1.0)
    rise = jnp.where(x < 0.5, 2 * x**2, 1 - 2 * (1 - x) ** 2)
    return _LOWEST + (_HIGHEST - _LOWEST) * rise
