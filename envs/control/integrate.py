"""One time step of q'' = acceleration(q, q'), as MuJoCo takes it.

`acceleration(position, velocity) -> [n]` for position and velocity [n] each. Nothing
here fixes a float type: tests run the bodies in float64 too.
"""

from collections.abc import Callable

from jax import Array

Acceleration = Callable[[Array, Array], Array]


def semi_implicit_euler(
    acceleration: Acceleration, position: Array, velocity: Array, timestep
) -> tuple[Array, Array]:
    """MuJoCo's "Euler": velocity first, then position with the new velocity.

    MuJoCo treats joint damping D implicitly in this step and solves
    (M + timestep D) q'' = force; that is up to `acceleration`.
    """
    velocity = velocity + timestep * acceleration(position, velocity)
    return position + timestep * velocity, velocity


def rk4(
    acceleration: Acceleration, position: Array, velocity: Array, timestep
) -> tuple[Array, Array]:
    """The classical Runge-Kutta method of order four."""
    half = 0.5 * timestep
    v1 = velocity
    a1 = acceleration(position, v1)
    v2 = velocity + half * a1
    a2 = acceleration(position + half * v1, v2)
    v3 = velocity + half * a2
    a3 = acceleration(position + half * v2, v3)
    v4 = velocity + timestep * a3
    a4 = acceleration(position + timestep * v3, v4)
    sixth = timestep / 6
    position = position + sixth * (v1 + 2 * (v2 + v3) + v4)
    return position, velocity + sixth * (a1 + 2 * (a2 + a3) + a4)
