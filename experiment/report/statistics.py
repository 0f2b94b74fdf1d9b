"""Means and how sure one can be of them."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from scipy import stats


def mean_interval(
    values: Sequence[float] | np.ndarray, *, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Mean and its Student-t interval: `(mean, low, high)`.

    The values must be independent. From a single one nothing follows about the spread,
    and the interval is NaN.
    """
    values = np.asarray(values, np.float64)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, float("nan"), float("nan")
    error = values.std(ddof=1) / np.sqrt(len(values))
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1) * error)
    return mean, mean - half, mean + half


Around = Callable[[Sequence[float] | np.ndarray], tuple[float, float, float]]

FEW = 5  # up to so many, Student's interval is wider than the sample itself
SPREAD = (
    f"with more than {FEW} values, the 95% interval of their mean, cut at the least "
    f"and the greatest of them; with {FEW} or fewer, the least and the greatest"
)


def spread(values: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Mean, and what is drawn around it: `(mean, low, high)`.

    Of few values the least and the greatest, for their 95% interval reaches to where
    none of them can be (two learners at 0.9 and 1: 0.31 to 1.59). Of more, that
    interval, cut there as well. NaN around a single one. Nothing is concluded from it:
    claims keep to `mean_interval`.
    """
    values = np.asarray(values, np.float64)
    mean, low, high = mean_interval(values)
    if len(values) < 2:
        return mean, low, high
    least, greatest = float(values.min()), float(values.max())
    if len(values) <= FEW:
        return mean, least, greatest
    return mean, max(low, least), min(high, greatest)


def known(values: Iterable[float]) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [None if np.isnan(x) else float(x) for x in values]


def sample(values: np.ndarray) -> np.ndarray:
    """What is independent in [S, N]: learners, or the tasks of a single one."""
    return values.mean(1) if len(values) > 1 else values[0]


def learners_interval(
    returns: Sequence[float | None],
    of: Around = mean_interval,
) -> tuple[float, float, float]:
    """`mean_interval` (or `spread`) of learners' returns; NaN where one has none.

    The mean of those that are left would say too much.
    """
    known = [value for value in returns if value is not None]
    if len(known) < len(returns):
        return float("nan"), float("nan"), float("nan")
    return of(known)


def difference_interval(
    ours: Sequence[float] | np.ndarray,
    theirs: Sequence[float] | np.ndarray,
    *,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Difference of two means and its interval after Welch: `(mean, low, high)`.

    For samples that have nothing to do with each other, each with a spread of its own;
    where the same were measured twice, `mean_interval` of their differences says more.
    The interval is NaN where one of them is a single value.
    """
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    mean = float(ours.mean() - theirs.mean())
    if min(len(ours), len(theirs)) < 2:
        return mean, float("nan"), float("nan")
    parts = np.array([x.var(ddof=1) / len(x) for x in (ours, theirs)])
    error = parts.sum()
    if error == 0:
        return mean, mean, mean
    freedom = error**2 / (parts**2 / [len(ours) - 1, len(theirs) - 1]).sum()
    half = float(stats.t.ppf((1 + confidence) / 2, freedom) * np.sqrt(error))
    return mean, mean - half, mean + half
