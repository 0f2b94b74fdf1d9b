"""Where axes end, and how many points a curve has."""

from collections.abc import Callable
from typing import Any

import numpy as np

_APART = 1.15, 1.1  # of its width and height, what a label has to itself


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
    """A few ticks: of large numbers as 500 k and 1 M, of others plain."""
    from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator

    large = EngFormatter(sep=" ")
    axis.set_major_locator(MaxNLocator(4))
    axis.set_major_formatter(
        FuncFormatter(lambda at, _: large(at) if abs(at) >= 1000 else f"{at:g}")
    )


def whole_ticks(axis: Any) -> None:
    """A few ticks, on whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(5, integer=True))


def written_out(*axes: Any) -> None:
    """Powers of ten in plain digits: `panels.save` reads no text as mathematics."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def spread(made: Any, *axes: Any) -> None:
    """Takes away ticks whose labels would touch others: zero stays, then the largest.

    Labels are measured as they are drawn, so this comes last: what changes the size of
    the panels stands before it.

    Args:
      made: the figure.
      axes: of it; those that share ticks may be named once or each.
    """
    from matplotlib.ticker import FixedLocator

    made.draw_without_rendering()  # and now ticks know their places
    for axis in axes:
        low, high = sorted(axis.get_view_interval())
        boxes = {
            float(tick.get_loc()): tick.label1.get_window_extent()
            for tick in axis.get_major_ticks()
            if low <= tick.get_loc() <= high and tick.label1.get_visible()
        }
        kept: list[float] = []
        for place in sorted(boxes, key=lambda at: (at != 0, -abs(at))):
            around = boxes[place].expanded(*_APART)
            if not any(around.overlaps(boxes[other]) for other in kept):
                kept.append(place)
        if kept:
            axis.set_major_locator(FixedLocator(sorted(kept)))


def bin_width(count: int) -> int:
    """Trials to a point: single pulls of a bandit are hard to look at."""
    return max(1, count // 40)


def binned(values: np.ndarray, width: int) -> np.ndarray:
    """[M, C] means over `width` rows of [K, C] each, over fewer at the end.

    A bound's mean bounds the mean, so bands stay honest and get no narrower.
    """
    starts = np.arange(0, len(values), width)
    return np.stack([values[start : start + width].mean(0) for start in starts])
