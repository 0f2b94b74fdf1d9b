"""Curves with what is around them, and levels to compare them with.

A panel has one translucent band at most: two that overlap say less than either.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from experiment.report import panels

_WHISKERS = 8  # of a curve that has no band


class Curve(NamedTuple):
    """A mean and what is around it, at each x; all [K]."""

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curve(
    panel: Any, points: Curve, index: int, label: str, *, of: int = 1, **options: Any
) -> None:
    """A line, and how sure it is: one of several has whiskers, and one alone a band.

    Args:
      panel: to draw in.
      points: of it.
      index: its place among the runs, which colours it.
      label: its name.
      of: how many lines there are.
      **options: of the line.
    """
    style = panels.look(index) | options
    panel.plot(points.x, points.mean, label=label, **style)
    if not np.isfinite(points.low).any():
        return
    if of == 1:
        fill(panel, points.x, points.low, points.high, style["color"])
    else:
        whiskers(panel, points, index % of, of, style["color"])


def fill(panel: Any, x: Any, low: Any, high: Any, color: str) -> None:
    """The band of a panel; it has no other."""
    panel.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)


def whiskers(panel: Any, points: Curve, place: int, of: int, color: str) -> None:
    """From low to high at a few points of a curve, beside those of `of` others."""
    step = max(1, len(points.x) // _WHISKERS)
    chosen = slice((place * step) // of, None, step)
    x = np.asarray(points.x, float)[chosen]
    if step < of and len(x) > 1:  # all curves have theirs at the same points
        x = x + (place - (of - 1) / 2) * 0.3 / of * (x[1] - x[0])
    panel.vlines(x, points.low[chosen], points.high[chosen], color=color, linewidth=0.9)


def mark(line: Callable, levels: Iterable[tuple[str, float | None]]) -> list[float]:
    """Draws known levels with `axhline` or `axvline`; returns them."""
    known = []
    for style, (name, level) in zip((":", "--"), levels, strict=True):
        if level is not None:
            line(
                level,
                color=panels.GREY,
                linestyle=style,
                linewidth=1.2,
                label=name,
                zorder=0,
            )
            known.append(level)
    return known
