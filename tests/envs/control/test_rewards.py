"""Soft indicators: what every sigmoid promises, and numbers worked by hand.

Mutants, and the test that fails for each:

    long_tail's d not squared              worked_by_hand
    distance to the upper bound only       symmetric
    exclusive bounds                       one_inside
    scale from v in place of 1 - v         falls_through
    cosine without its cut at half a wave  never_rises
"""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from envs.control.rewards import REACH_ZERO, SIGMOIDS, tolerance

BOUNDS, MARGIN = (-1.0, 2.0), 3.0
CASES = [(name, v) for name in SIGMOIDS for v in (0.1, 0.7)]
CASES += [(name, 0.0) for name in REACH_ZERO]


def soft(x, sigmoid, value, bounds=BOUNDS):
    x = jnp.asarray(x, jnp.float32)
    return np.asarray(
        tolerance(x, bounds, margin=MARGIN, sigmoid=sigmoid, value_at_margin=value)
    )


@pytest.mark.parametrize("sigmoid, value", CASES)
def test_one_inside_bounds_that_are_included(sigmoid, value):
    np.testing.assert_array_equal(soft([-1.0, 0.3, 2.0], sigmoid, value), 1.0)
    np.testing.assert_array_equal(
        tolerance(jnp.asarray([-1.1, -1.0, 2.0, 2.1]), BOUNDS), [0.0, 1.0, 1.0, 0.0]
    )


@pytest.mark.parametrize("sigmoid, value", CASES)
def test_falls_through_the_value_at_the_margin(sigmoid, value):
    # float32: acos and cos of the cosine's wave lose the last digits near 0
    np.testing.assert_allclose(soft([-4.0, 5.0], sigmoid, value), value, atol=1e-6)


@pytest.mark.parametrize("sigmoid, value", CASES)
def test_never_rises_with_the_distance_and_is_symmetric(sigmoid, value):
    distance = np.linspace(0, 20, 400)
    above = soft(2.0 + distance, sigmoid, value)
    below = soft(-1.0 - distance, sigmoid, value)
    np.testing.assert_allclose(above, below, atol=1e-6)
    assert (np.diff(above) <= 1e-7).all() and (above >= 0).all()
    # Distance is measured in margins: half of it, far below the value at one of them.
    assert value < above[np.searchsorted(distance, MARGIN / 2)] < 1


@pytest.mark.parametrize(
    "sigmoid, expected",  # at two margins, where the value at one is 0.2
    [
        ("linear", 0.0),  # 1 - 0.8 * 2 < 0
        ("quadratic", 0.0),  # 1 - 0.8 * 4 < 0
        ("cosine", 0.0),  # 2 acos(-0.6) = 254 degrees, beyond half a wave
        ("gaussian", 0.0016),  # 0.2^4
        ("hyperbolic", 1 / 49),  # cosh 2y = 2 cosh(y)^2 - 1 = 2 * 25 - 1
        ("long_tail", 1 / 17),  # 1 / (1 + 4 * 4)
        ("reciprocal", 1 / 9),  # 1 / (1 + 4 * 2)
        ("tanh_squared", 1 / 81),  # tanh^2 y = 0.8: cosh^2 y = 5, cosh 2y = 9
    ],
)
def test_values_worked_by_hand(sigmoid, expected):
    np.testing.assert_allclose(soft(8.0, sigmoid, 0.2), expected, rtol=2e-5, atol=1e-7)


def test_infinite_bounds_are_open_ends():
    np.testing.assert_array_equal(
        soft([-1e6, 2.0, 5.0], "linear", 0.0, (-math.inf, 2.0)), [1.0, 1.0, 0.0]
    )


@pytest.mark.parametrize(
    "message, changes",
    [
        ("sigmoid must be one of", {"sigmoid": "gauss"}),
        ("value_at_margin must lie between", {"value_at_margin": 0.0}),
        ("value_at_margin must lie between", {"value_at_margin": 1.0}),
        ("bounds must be", {"bounds": (1.0, 0.0)}),
        ("margin must not be negative", {"margin": -1.0}),
    ],
)
def test_what_cannot_be_is_refused(message, changes):
    with pytest.raises(ValueError, match=message):
        tolerance(jnp.zeros(()), **changes)
