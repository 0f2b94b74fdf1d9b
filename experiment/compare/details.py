"""What differs between the runs of a comparison, and how each learner came out."""

from collections.abc import Sequence
from itertools import zip_longest

from experiment.compare.compared import BESIDE, ComparedRun
from experiment.compare.comparison import splits_of
from experiment.evaluate import words
from experiment.report import numbers
from experiment.report.page import Cell, Table
from experiment.report.statistics import learners_interval, spread
from experiment.setup import config as run_config
from experiment.setup import keys
from experiment.setup.command import typed

_MOST_LEARNERS = 32  # of a run, on a page
_MOST_SETTINGS = 10  # likewise
_PER_SEED = "final_return_per_seed"


def different_settings(runs: Sequence[ComparedRun]) -> Table:
    """A row per key that is not set alike in all runs, a column per run.

    A key that a run does not have (of another core, say) is a dash.
    """
    flat = [keys.flat(run_config.dump(run.config)) for run in runs]
    every = dict.fromkeys(key for own in flat for key in own if key not in BESIDE)
    rows = []
    for key in every:
        # A setting is no measurement, and has all its digits.
        values = [typed(own[key]) if key in own else None for own in flat]
        if len(set(values)) > 1:
            rows.append((key, *values))
    caption = "What is not listed is alike; a dash: this run has no such setting."
    return Table(("setting", *(run.label for run in runs)), rows, caption)


def settings(runs: Sequence[ComparedRun]) -> Table:
    """A row per setting of a run that has several, the best of each run first."""
    columns = ("agent", "place", "setting", "final_return", "low", "high")
    rows = [
        (run.label, place, said, *learners_interval(found[_PER_SEED]))
        for run in runs
        for place, (said, found) in enumerate(run.tried, start=1)
    ]
    return Table(columns, rows)


def short_settings(runs: Sequence[ComparedRun]) -> Table:
    """The first of them, for a page."""
    rows = [
        (
            run.label,
            f"{place}.",
            said,
            numbers.interval(*learners_interval(found[_PER_SEED], spread)),
        )
        for run in runs
        for place, (said, found) in enumerate(run.tried[:_MOST_SETTINGS], start=1)
    ]
    counts = ", ".join(f"{run.label}: {len(run.tried) or 1}" for run in runs)
    caption = f"The first {_MOST_SETTINGS} of each run. Settings tried: {counts}."
    return Table(("agent", "place", "setting", "final return"), rows, caption)


def learners(runs: Sequence[ComparedRun]) -> Table:
    """A row per run and learner: its final return, and what it adapts to."""
    splits = splits_of(runs)
    columns = [f"{split}_{what}" for split in splits for what in _WHAT]
    return Table(
        ("agent", "learner", "final_return", *columns),
        [(run.label, *row) for run in runs for row in _learners(run, splits)],
    )


_WHAT = ("zero_shot", "adapted")


def _learners(run: ComparedRun, splits: Sequence[str]) -> list[tuple[Cell, ...]]:
    columns: list[list[Cell]] = [list(run.summary[_PER_SEED])]
    for split in splits:
        known = run.transfer is not None and split in run.transfer.splits
        for what in _WHAT:
            found = getattr(run.transfer, what)(split).mean(1) if known else []
            columns.append([float(value) for value in found])
    return [(n, *values) for n, values in enumerate(zip_longest(*columns))]


def short_learners(full: Table) -> Table:
    """`learners` for a page."""
    heads = [_head(column) for column in full.columns]
    rows = [row for row in full.rows if int(str(row[1])) < _MOST_LEARNERS]
    caption = "Each learner by itself; returns of trials are means over its tasks."
    if len(rows) < len(full.rows):
        caption += f" The first {_MOST_LEARNERS} of each run; all are in learners.csv."
    return Table(heads, rows, caption)


def _head(column: str) -> str:
    for what in _WHAT:
        if column.endswith(f"_{what}"):
            split = words.split(column.removesuffix(f"_{what}"))
            return f"{split}: {what.replace('_', '-')}"
    return column.replace("_", " ")
