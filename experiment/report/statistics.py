"""Means and how sure one can be of them."""

from collections.abc import Sequence

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


def learners_interval(returns: Sequence[float | None]) -> tuple[float, float, float]:
    """`mean_interval` of learners' returns; NaN where one has none.

    The mean of those that are left would say too much.
    """
    known = [value for value in returns if value is not None]
    if len(known) < len(returns):
        return float("nan"), float("nan"), float("nan")
    return mean_interval(known)


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
