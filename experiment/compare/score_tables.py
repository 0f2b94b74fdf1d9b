"""Tables of robust statistics: long ones for CSV files, compact ones for a page."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from experiment.compare import robust
from experiment.compare.comparison import (
    AGGREGATES,
    Scores,
    aggregates,
    name_of,
    profile,
    thresholds,
)
from experiment.report import numbers
from experiment.report.page import Cell, Table


def aggregate(every: Sequence[Scores]) -> Table:
    """A row per set of scores, run and aggregate."""
    columns = (
        *("scores", "scale", "agent", "aggregate", "value", "low", "high"),
        *("num_learners", "num_tasks"),
    )
    rows = [
        (scores.name, scores.scale, label, name, *estimate, *values.shape)
        for scores in every
        for label, values in scores.of.items()
        for name, estimate in aggregates(values).items()
        if _makes_sense(name, scores, values)
    ]
    return Table(columns, rows)


def short_aggregate(full: Table) -> Table:
    """`aggregate` for a page: a column per aggregate."""
    cells: dict[tuple[Cell, ...], dict[Cell, str]] = {}
    for scores, scale, label, name, value, low, high, *_ in full.rows:
        found = cells.setdefault((label, scores, scale), {})
        found[name] = numbers.interval(value, low, high)  # type: ignore[arg-type]
    rows = [
        (label, name_of(str(scores)), scale, *(found.get(x) for x in AGGREGATES))
        for (label, scores, scale), found in cells.items()
    ]
    heads = ("interquartile mean", "mean", "median over tasks", "optimality gap")
    caption = "Final return while training, and adapted return of each split."
    return Table(("agent", "scores", "scale", *heads), rows, caption)


def _makes_sense(name: str, scores: Scores, values: np.ndarray) -> bool:
    """A gap needs a best score; a median over one task is the mean."""
    if name == "optimality_gap":
        return scores.normalised
    return name != "median" or values.shape[1] > 1


def improvement(every: Sequence[Scores]) -> Table:
    """A row per set of scores and pair of runs that played equally many tasks.

    What a single learner did says nothing of how likely another one is to: NaN.
    """
    columns = ("scores", "agent", "other", "probability_of_improvement", "low", "high")
    rows = []
    for scores in every:
        for (ours, x), (theirs, y) in combinations(scores.of.items(), 2):
            if x.shape[1] == y.shape[1]:
                rows.append((scores.name, ours, theirs, *_odds(x, y)))
    return Table(columns, rows)


def _odds(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, ...]:
    if min(len(ours), len(theirs)) < 2:
        return (float("nan"),) * 3
    found = robust.bootstrap_improvement(ours, theirs, joint=True)
    return float(found.value), float(found.low), float(found.high)


def short_improvement(full: Table) -> Table:
    """`improvement` for a page: a row per pair, a column per set of scores."""
    names = list(dict.fromkeys(row[0] for row in full.rows))
    cells: dict[str, dict[Cell, str]] = {}
    for scores, ours, theirs, *interval in full.rows:
        found = cells.setdefault(f"{ours} beats {theirs}", {})
        found[scores] = numbers.interval(*interval)  # type: ignore[arg-type]
    rows = [
        (claim, *(found.get(name) for name in names)) for claim, found in cells.items()
    ]
    caption = (
        "Probability that a learner of one beats a learner of the other on a task."
    )
    if any(value != value for _, _, _, value, *_ in full.rows):
        caption += " A dash where a run has one learner: it says nothing of others."
    heads = [name_of(str(name)) for name in names]
    return Table(("", *heads), rows, caption)


def profiles(every: Sequence[Scores]) -> Table:
    """A row per set of scores, run and threshold."""
    columns = ("scores", "scale", "agent", "threshold", "fraction", "low", "high")
    rows = [
        (scores.name, scores.scale, label, *map(float, point))
        for scores in every
        for label, values in scores.of.items()
        for point in zip(*profile(values, thresholds(scores)), strict=True)
    ]
    return Table(columns, rows)
