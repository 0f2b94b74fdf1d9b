"""Numbers for people.

| mutant | fails |
|---|---|
| four digits, or trailing zeros dropped | test_three_significant_digits |
| a number that is rounded up keeps its places | test_three_significant_digits |
| bounds that differ may look alike | test_bounds_that_differ_look_different |
"""

import math

import numpy as np
import pytest

from experiment.report.numbers import digits, interval

NAN = math.nan
SHOWN = {
    0.0: "0", 0.5: "0.500", 1.0: "1.00", -9.6394: "-9.64", 9.999: "10.0",
    999.96: "1,000", 12345.6: "12,300", 0.000123456: "0.000123", 1e-9: "1.00e-09",
    3.2e12: "3.20e+12", NAN: "–", math.inf: "inf",
}  # fmt: skip


def test_three_significant_digits():
    assert {value: digits(value) for value in SHOWN} == SHOWN
    assert digits(-0.0) == "0" and digits(None) == "–"


def test_any_number_is_shown_to_half_a_unit_of_its_third_digit():
    rng = np.random.default_rng(0)
    for value in 10.0 ** rng.uniform(-12, 12, 300) * rng.choice([-1, 1], 300):
        shown = float(digits(value).replace(",", ""))
        assert abs(shown - value) <= 0.5001 * 10 ** (
            math.floor(math.log10(abs(value))) - 2
        )


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ((0.512345, 0.49, 0.5347), "0.512 [0.490, 0.535]"),
        ((13.812, 9.1701, 15.2), "13.8 [9.17, 15.2]"),
        ((-1234.5, -1300.2, -1100.9), "-1,230 [-1,300, -1,100]"),
        ((1.0, 1.0, 1.0), "1.00 [1.00, 1.00]"),
        ((0.0, -0.3, 0.3), "0 [-0.300, 0.300]"),
        ((0.5, NAN, NAN), "0.500"),
        ((0.5, None, None), "0.500"),
        ((None, None, None), "–"),
        ((NAN, NAN, NAN), "–"),
    ],
)
def test_an_interval_in_words(values, shown):
    assert interval(*values) == shown


def test_bounds_that_differ_look_different():
    assert interval(3141.59, 3141.2, 3141.97) == "3,142 [3,141, 3,142]"
    assert interval(1.0, 1.0, 1.0 + 1e-16) == "1.00 [1.00, 1.00]"
