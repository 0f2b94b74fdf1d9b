"""Soft indicators: how far a number is inside an interval, from 1 down to 0.

The rewards of the DM Control Suite (Tassa et al., 2018, section 2.2) are products of
these: 1 inside `bounds`, `value_at_margin` at the distance `margin` from it, and a
sigmoid's slope between and beyond.
"""

import math
from collections.abc import Callable

import jax.numpy as jnp
from jax import Array

# Each takes the distance d >= 0 in margins and the value v wanted at d = 1, and is 1 at
# d = 0. The first three reach 0 and so allow v = 0; the others only approach it.
SIGMOIDS: dict[str, Callable[[Array, float], Array]] = {
    "linear": lambda d, v: jnp.maximum(1 - (1 - v) * d, 0.0),
    "quadratic": lambda d, v: jnp.maximum(1 - (1 - v) * d**2, 0.0),
    "cosine": lambda d, v: _half_wave(math.acos(2 * v - 1) * d),
    "gaussian": lambda d, v: jnp.exp(math.log(v) * d**2),
    "hyperbolic": lambda d, v: 1 / jnp.cosh(math.acosh(1 / v) * d),
    "long_tail": lambda d, v: 1 / (1 + (1 / v - 1) * d**2),
    "reciprocal": lambda d, v: 1 / (1 + (1 / v - 1) * d),
    # 1 - tanh^2, without its cancellation
    "tanh_squared": lambda d, v: 1 / jnp.cosh(math.atanh(math.sqrt(1 - v)) * d) ** 2,
}
REACH_ZERO = ("linear", "quadratic", "cosine")


def tolerance(
    x: Array,
    bounds: tuple[float | Array, float | Array] = (0.0, 0.0),
    *,
    margin: float | Array = 0.0,
    sigmoid: str = "gaussian",
    value_at_margin: float = 0.1,
) -> Array:
    """1 where `x` lies within `bounds`, falling with the distance to it outside.

    Args:
      x: [...] float.
      bounds: lowest and highest value that is good, both included; may be infinite.
      margin: distance at which the value has fallen to `value_at_margin`; the number 0
        means a fall to zero at once. An array has to be positive.
      sigmoid: a key of `SIGMOIDS`, the shape of the fall.
      value_at_margin: in (0, 1); a sigmoid of `REACH_ZERO` allows 0.

    Returns:
      [...] of x's type, in [0, 1].

    Raises:
      ValueError: for numbers that make no interval, margin or value, or an unknown
        sigmoid. Arrays are not looked into.
    """
    _check(bounds, margin, sigmoid, value_at_margin)
    lower, upper = bounds
    if _is_number(margin) and margin == 0:
        return ((lower <= x) & (x <= upper)).astype(x.dtype)
    outside = jnp.maximum(jnp.maximum(lower - x, x - upper), 0.0)
    return SIGMOIDS[sigmoid](outside / margin, value_at_margin).astype(x.dtype)


def _half_wave(angle: Array) -> Array:
    return jnp.where(angle < math.pi, (1 + jnp.cos(angle)) / 2, 0.0)


def _check(bounds, margin, sigmoid, value_at_margin) -> None:
    if sigmoid not in SIGMOIDS:
        raise ValueError(
            f"sigmoid must be one of {', '.join(SIGMOIDS)}; got {sigmoid!r}."
        )
    if not (0 < value_at_margin < 1 or (value_at_margin == 0 and _reaches(sigmoid))):
        raise ValueError(
            f"value_at_margin must lie between 0 and 1, 0 itself only with "
            f"{', '.join(REACH_ZERO)}; got {value_at_margin} with {sigmoid}."
        )
    if all(map(_is_number, bounds)) and not bounds[0] <= bounds[1]:
        raise ValueError(f"bounds must be (lower, upper) in order; got {bounds}.")
    if _is_number(margin) and not margin >= 0:
        raise ValueError(f"margin must not be negative; got {margin}.")


def _reaches(sigmoid: str) -> bool:
    return sigmoid in REACH_ZERO


def _is_number(x) -> bool:
    return isinstance(x, int | float)
