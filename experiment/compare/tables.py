"""The tables of a comparison: long ones for CSV files, compact ones for a page.

A page shows `value [low, high]`; a CSV file has a column for each, with every digit.
"""

from collections.abc import Sequence

import numpy as np

from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import (
    adaptation_curve,
    learning_curve,
    levels_of,
    over_learners,
    seconds_at,
    splits_of,
)
from experiment.evaluate import words
from experiment.evaluate.trials import CONTROLS, PLAIN, in_order
from experiment.report import numbers
from experiment.report.page import Cell, Table
from experiment.report.statistics import (
    Around,
    learners_interval,
    mean_interval,
    spread,
)


def learning_curves(runs: Sequence[ComparedRun]) -> Table:
    """A row per run and log point, not smoothed."""
    columns = ("agent", "env_steps", "mean_return", "low", "high", "seconds")
    rows = []
    for run in runs:
        curve = learning_curve(run, smooth=False)
        clock = seconds_at(run, curve.x)
        clock = np.full(len(curve.x), np.nan) if clock is None else clock
        for steps, *band in zip(*curve, clock, strict=True):
            rows.append((run.label, int(steps), *map(float, band)))
    return Table(columns, rows)


def summary(runs: Sequence[ComparedRun]) -> Table:
    """A row per run: how it ended, what it cost and how large it is."""
    columns = (
        *("agent", "run", "env", "core", "algorithm", "num_seeds", "env_steps"),
        *("final_return", "low", "high", "wall_seconds", "compile_seconds"),
        *("steps_per_second", "device", "num_parameters", "parameters_over_fewest"),
    )
    fewest = min(run.summary["num_parameters"] for run in runs)
    rows = [
        (
            run.label,
            str(run.folder.path),
            run.config.env.title,
            run.config.core.name,
            run.config.agent.name,
            len(run.summary["final_return_per_seed"]),
            run.summary["env_steps"],
            *_final(run),
            run.summary["wall_seconds"],
            run.summary.get("compile_seconds"),
            run.summary.get("steps_per_second"),
            run.device,
            run.summary["num_parameters"],
            run.summary["num_parameters"] / fewest,
        )
        for run in runs
    ]
    return Table(columns, rows)


def short_summary(runs: Sequence[ComparedRun]) -> Table:
    """`summary` as a person wants it."""
    columns = (
        *("agent", "final return", "seeds", "environment steps", "parameters"),
        *("over the fewest", "wall clock (s)", "of it compiling (s)", "steps / s"),
    )
    fewest = min(run.summary["num_parameters"] for run in runs)
    rows = [
        (
            run.label,
            numbers.interval(*_final(run, spread)),
            len(run.summary["final_return_per_seed"]),
            run.summary["env_steps"],
            run.summary["num_parameters"],
            f"{numbers.digits(run.summary['num_parameters'] / fewest)}x",
            *(_measured(run.summary.get(key)) for key in _COSTS),
        )
        for run in runs
    ]
    return Table(columns, rows)


_PER_SEED = "final_return_per_seed"
_COSTS = ("wall_seconds", "compile_seconds", "steps_per_second")


def _measured(value: float | None) -> Cell:
    return None if value is None else float(value)


def _final(run: ComparedRun, of: Around = mean_interval) -> tuple[float, float, float]:
    """Mean return of the last tenth of training, and its interval over seeds."""
    return learners_interval(run.summary[_PER_SEED], of)


def adaptation(runs: Sequence[ComparedRun]) -> Table:
    """A row per run, split, control and trial."""
    columns = (
        *("agent", "split", "control", "trial", "trained_on"),
        *("mean_return", "low", "high"),
    )
    rows = []
    for run in runs:
        if run.transfer is None:
            continue
        for split, control in _played(run):
            curve = adaptation_curve(run.transfer.returns[split, control])
            for trial, *band in zip(*curve, strict=True):
                trained_on = bool(trial <= run.transfer.trained)
                place = (run.label, split, control, int(trial), trained_on)
                rows.append((*place, *map(float, band)))
    return Table(columns, rows)


def transfer(runs: Sequence[ComparedRun]) -> Table:
    """A row per run; of every split its adapted and first return."""
    parts = ("adapted", "low", "high", "zero_shot", "normalised")
    splits = splits_of(runs)
    columns = ("agent", *(f"{split}_{part}" for split in splits for part in parts))
    rows = []
    for run in runs:
        row: list[Cell] = [run.label]
        for split in splits:
            row += _transfer_cells(run, split)
        rows.append(row)
    return Table(columns, rows)


def _transfer_cells(run: ComparedRun, split: str) -> tuple[Cell, ...]:
    if run.transfer is None or split not in run.transfer.splits:
        return (None,) * 5
    adapted = over_learners(run.transfer.adapted(split))
    first = over_learners(run.transfer.zero_shot(split))[0]
    normalised = levels_of(run, split).normalise(np.array(adapted[0]))
    return (*adapted, first, None if normalised is None else float(normalised))


def short_transfer(runs: Sequence[ComparedRun]) -> list[Table]:
    """`transfer` for a page: agents by splits, once for each thing to know."""
    splits, parts = splits_of(runs), range(3)
    columns = ("agent", *map(words.split, splits))
    rows: list[list[list[Cell]]] = [[] for _ in parts]
    for run in runs:
        cells = [_transfer_cells(run, split) for split in splits]
        adapted = [_shown(run, split, PLAIN) for split in splits]
        for place, row in enumerate(
            (adapted, [cell[3] for cell in cells], [cell[4] for cell in cells])
        ):
            rows[place].append([run.label, *row])
    captions = (
        "Adapted return: mean over the last quarter of the trials trained on.",
        "Zero-shot return: that of trial 1, before anything can be known of the task.",
        "Normalised score: adapted return, 0 as random actions and 1 as the expert.",
    )
    return [Table(columns, rows[place], captions[place]) for place in parts]


def controls(runs: Sequence[ComparedRun]) -> Table:
    """A row per run, split and control of the memory."""
    columns = ("agent", "split", "control", "adapted", "low", "high", "zero_shot")
    rows = [
        (
            *(run.label, split, control),
            *over_learners(run.transfer.adapted(split, control)),
            over_learners(run.transfer.zero_shot(split, control))[0],
        )
        for run in runs
        if run.transfer is not None
        for split, control in _played(run)
    ]
    return Table(columns, rows)


def short_controls(runs: Sequence[ComparedRun]) -> Table:
    """`controls` for a page: a row per run and split, a column per control."""
    played = [pair for run in runs if run.transfer for pair in _played(run)]
    names = in_order({control for _, control in played}, CONTROLS)
    rows = []
    for run in runs:
        if run.transfer is None:
            continue
        for split in splits_of([run]):
            cells = [_shown(run, split, control) for control in names]
            rows.append((run.label, words.split(split), *cells))
    caption = "Adapted return, by what is done to the memory while it is played."
    return Table(("agent", "tasks", *map(words.control, names)), rows, caption)


def _shown(run: ComparedRun, split: str, control: str) -> Cell:
    """The adapted return, with what is drawn around it."""
    if run.transfer is None or (split, control) not in run.transfer.returns:
        return None
    return numbers.interval(
        *over_learners(run.transfer.adapted(split, control), spread)
    )


def has_controls(runs: Sequence[ComparedRun]) -> bool:
    """Whether anything but plain play was recorded."""
    return any(
        control != PLAIN
        for run in runs
        if run.transfer is not None
        for _, control in _played(run)
    )


def _played(run: ComparedRun) -> list[tuple[str, str]]:
    """Splits and controls of a run in the usual order."""
    assert run.transfer is not None
    found = run.transfer.returns
    names = in_order({control for _, control in found}, CONTROLS)
    return [
        (split, control)
        for split in splits_of([run])
        for control in names
        if (split, control) in found
    ]
