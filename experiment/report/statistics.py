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
