"""Numbers as a person reads them: three significant digits, on pages and in pictures.

Files for programs (CSV, JSON) have every digit, and do not come here.
"""

import math

DIGITS = 3
_MOST = 15  # a double has no more


def digits(value: float | None, most: int = DIGITS) -> str:
    """`0.512`, `13.0`, `1,230`; 0 has no digits and no sign, and nothing is a dash."""
    if value is None or math.isnan(value):
        return "–"
    if value == 0 or math.isinf(value):
        return f"{value + 0.0:g}"
    rounded = float(f"{value:.{most - 1}e}")
    size = abs(rounded)
    if not 1e-4 <= size < 1e9:
        return f"{rounded:.{most - 1}e}"
    return f"{rounded:,.{max(0, most - 1 - math.floor(math.log10(size)))}f}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """`0.512 [0.490, 0.535]`, or the value alone where nothing is known of its spread.

    Where both bounds would look alike, all three get as many digits more as it takes
    to tell them apart: `3,142 [3,141, 3,142]`.
    """
    if value is None or low is None or high is None:
        return digits(value)
    if not all(map(math.isfinite, (value, low, high))):
        return digits(value)
    most = DIGITS
    while most < _MOST and low != high and digits(low, most) == digits(high, most):
        most += 1
    first, *bounds = (digits(x, most) for x in (value, low, high))
    return f"{first} [{', '.join(bounds)}]"
