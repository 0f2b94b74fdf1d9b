"""What may be said of a difference: what its interval shows, and no more.

Every sentence that claims something of a difference is made of a `Verdict`, so that
none claims more than another: an interval that holds 0, or touches it, shows nothing;
and what is not shown is not thereby shown to be absent.
"""

import math
from typing import NamedTuple

from experiment.report.numbers import digits, interval


class Verdict(NamedTuple):
    """What the interval of a difference shows.

    Attributes:
      sign: 1 where the difference is shown to be above 0, -1 below, 0 where it is not
        shown to be either.
      numbers: the difference, its interval, and what that is over, in words.
    """

    sign: int
    numbers: str

    def choose(self, above: str, below: str, not_shown: str) -> str:
        """The words that hold."""
        return (not_shown, above, below)[self.sign]


def verdict(
    difference: float, low: float | None, high: float | None, over: str
) -> Verdict:
    """Judges a difference by its 95% interval.

    Args:
      difference: the mean difference; paired, where the same were measured twice.
      low: of its interval; None or NaN where there is none, as of a single learner.
      high: likewise.
      over: what varies in the interval, and how many there are: "3 learners".
    """
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return Verdict(0, f"{digits(difference)}; {over} alone: no interval")
    if low == high:
        numbers = f"{digits(difference)} in each of {over}"
    else:
        numbers = f"{interval(difference, low, high)}, 95% over {over}"
    return Verdict((low > 0) - (high < 0), numbers)


def count(number: int, what: str) -> str:
    """`1 learner`, `3 learners`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
