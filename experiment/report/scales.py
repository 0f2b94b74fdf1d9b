"""Where axes end, and how many points a curve has."""

from collections.abc import Callable
from typing import Any

import numpy as np


def limits(values: list[Any], intervals: list[Any]) -> tuple[float, float] | None:
    """Room around all finite values, and for their intervals as far as they are sane.

    An interval can be far wider than anything that happened: it gets half of the range
    of the values on each side, and is cut there.
    """
    inside = _finite(values)
    if not inside.size:
        return None
    low, high = inside.min(), inside.max()
    span = high - low or abs(high) or 1.0
    around = np.concatenate([inside, _finite(intervals)])
    least, most = max(around.min(), low - span / 2), min(around.max(), high + span / 2)
    margin = 0.08 * (most - least or span)
    return float(least - margin), float(most + margin)


def fit(setter: Callable, values: list[Any], intervals: list[Any]) -> None:
    """Calls an axis' `set_xlim` or `set_ylim` with `limits`, if there are any."""
    found = limits(values, intervals)
    if found is not None:
        setter(*found)


def _finite(values: list[Any]) -> np.ndarray:
    flat = np.concatenate([np.zeros(0), *(np.ravel(value) for value in values)])
    return flat[np.isfinite(flat)]


def round_ticks(axis: Any) -> None:
    """A few ticks of large numbers: 500 k, 1 M."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(4))
    axis.set_major_formatter(EngFormatter(sep=" "))


def whole_ticks(axis: Any) -> None:
    """A few ticks, on whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, integer=True))


def bin_width(count: int) -> int:
    """Trials to a point: single pulls of a bandit are hard to look at."""
    return max(1, count // 40)


def binned(values: np.ndarray, width: int) -> np.ndarray:
    """[M, C] means over `width` rows of [K, C] each, over fewer at the end.

    A bound's mean bounds the mean, so bands stay honest and get no narrower.
    """
    starts = np.arange(0, len(values), width)
    return np.stack([values[start : start + width].mean(0) for start in starts])
