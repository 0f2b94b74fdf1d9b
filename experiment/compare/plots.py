"""The pictures of a comparison, one function each; all return the path written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import (
    TRAINING,
    Curve,
    Scores,
    adaptation_curve,
    learning_curve,
    levels_of,
    over_learners,
    splits_of,
)
from experiment.evaluate.trials import PLAIN, Levels
from experiment.report import panels
from experiment.report.page import Table


def learning_curves(runs: Sequence[ComparedRun], path: Path) -> Path:
    """Mean return over environment steps, with a band over seeds."""
    figure, (panel,) = panels.figure(1, width=7.0, height=4.3)
    seen, spread = [], []
    for index, run in enumerate(runs):
        curve = learning_curve(run, smooth=True)
        panels.band(panel, curve, index, run.label)
        seen.append(curve.mean)
        spread += [curve.low, curve.high]
    if all(run.config.env == runs[0].config.env for run in runs):
        levels = levels_of(runs[0], TRAINING)
        pairs = (("chance", levels.random), ("best", levels.expert))
        seen.append(panels.mark(panel.axhline, pairs))
    panels.fit(panel.set_ylim, seen, spread)
    panel.set_xlim(0, max(run.summary["env_steps"] for run in runs))
    panels.round_ticks(panel.xaxis)
    panel.set_xlabel("environment steps (of each seed)")
    panel.set_ylabel("return of finished episodes")
    panels.legend(figure, [panel])
    return panels.save(figure, path)


def adaptation(runs: Sequence[ComparedRun], path: Path) -> Path:
    """Return of trial 1, 2, ...: a panel per split."""
    from matplotlib.ticker import MaxNLocator

    splits = splits_of(runs)
    figure, axes = panels.figure(len(splits))
    for panel, split in zip(axes, splits, strict=True):
        seen, spread, width = [], [], 1
        for index, run in _played(runs, split):
            curve = adaptation_curve(run.transfer.returns[split, PLAIN])  # type: ignore
            width = panels.bin_width(len(curve.x))
            curve = Curve(*panels.binned(np.column_stack(curve), width).T)
            marker = "o" if len(curve.x) <= 40 else None
            panels.band(panel, curve, index, run.label, marker=marker, markersize=3)
            seen.append(curve.mean)
            spread += [curve.low, curve.high]
        seen.append(panels.mark(panel.axhline, _levels(runs, split)))
        for trained in _ends_of_training(runs, split):
            panel.axvline(
                trained + 0.5, color=panels.GREY, linewidth=0.8, label="training ended"
            )
        panels.fit(panel.set_ylim, seen, spread)
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.set_title(split, fontsize=10)
        each = f" (means of {width})" if width > 1 else ""
        panel.set_xlabel(f"trial on the same task{each}")
        panel.set_ylabel("return of a trial")
    panels.legend(figure, axes)
    return panels.save(figure, path)


def transfer(runs: Sequence[ComparedRun], path: Path) -> Path:
    """Adapted return and first return: a panel per split, a line per evaluated run."""
    splits = splits_of(runs)
    lines = [run.label for run in runs if run.transfer is not None]
    figure, axes = panels.figure(len(splits), height=_row_height(lines), sharey=True)
    for panel, split in zip(axes, splits, strict=True):
        seen, spread = [], []
        for index, run in _played(runs, split):
            mean, low, high = over_learners(run.transfer.adapted(split))  # type: ignore
            first, _, _ = over_learners(run.transfer.zero_shot(split))  # type: ignore
            line, color = lines.index(run.label), panels.look(index)["color"]
            panel.plot([low, high], [line, line], color=color, linewidth=2.2, alpha=0.6)
            panel.plot(mean, line, "o", color=color, markersize=7)
            hollow = {"markerfacecolor": "white", "markersize": 7}
            panel.plot(first, line, "o", color=color, **hollow)
            seen.append([mean, first])
            spread.append([low, high])
        seen.append(panels.mark(panel.axvline, _levels(runs, split)))
        grey = {"color": panels.GREY, "marker": "o", "linestyle": ""}
        panel.plot([], [], label="adapted", **grey)
        panel.plot([], [], label="trial 1", markerfacecolor="white", **grey)
        panels.fit(panel.set_xlim, seen, spread)
        panel.locator_params(axis="x", nbins=4)
        panels.name_rows(panel, lines)
        panel.set_title(split, fontsize=10)
        panel.set_xlabel("return of a trial")
    panels.legend(figure, axes)
    return panels.save(figure, path)


def profiles(
    runs: Sequence[ComparedRun], every: Sequence[Scores], table: Table, path: Path
) -> Path:
    """Fraction of scores above each threshold, from `score_tables.profiles`."""
    curves: dict[tuple[str, str], list[Any]] = {}
    for name, _, label, *point in table.rows:
        curves.setdefault((str(name), str(label)), []).append(point)
    figure, axes = panels.figure(len(every))
    for panel, scores in zip(axes, every, strict=True):
        for index, run in enumerate(runs):
            if run.label in scores.of:
                curve = Curve(*np.array(curves[scores.name, run.label]).T)
                panels.band(panel, curve, index, run.label)
                panel.set_xlim(curve.x[0], curve.x[-1])
        panel.set_ylim(-0.02, 1.02)
        panel.set_title(scores.name, fontsize=10)
        panel.locator_params(axis="x", nbins=4)
        panel.set_xlabel(f"threshold ({scores.scale})")
        panel.set_ylabel("fraction of scores above")
    panels.legend(figure, axes)
    return panels.save(figure, path)


def interquartile_means(
    runs: Sequence[ComparedRun], every: Sequence[Scores], table: Table, path: Path
) -> Path:
    """With bootstrap intervals, from `score_tables.aggregate`."""
    found = {
        (scores, label): band
        for scores, _, label, name, *band, _, _ in table.rows
        if name == "iqm"
    }
    figure, axes = panels.figure(len(every), height=_row_height(runs), sharey=True)
    for panel, scores in zip(axes, every, strict=True):
        seen, spread = [], []
        for index, run in enumerate(runs):
            if run.label not in scores.of:
                continue
            value, low, high = map(float, found[scores.name, run.label])  # type: ignore
            color = panels.look(index)["color"]
            if np.isfinite(low):
                panel.barh(index, high - low, 0.5, left=low, color=color, alpha=0.35)
            panel.plot([value] * 2, [index - 0.25, index + 0.25], color=color, lw=2.5)
            seen.append(value)
            spread.append([low, high])
        panels.fit(panel.set_xlim, seen, spread)
        panels.name_rows(panel, [run.label for run in runs])
        panel.set_title(scores.name, fontsize=10)
        panel.locator_params(axis="x", nbins=4)
        panel.set_xlabel(f"IQM ({scores.scale})")
    return panels.save(figure, path)


def costs(runs: Sequence[ComparedRun], path: Path) -> Path:
    """Parameters and wall clock, side by side."""
    figure, axes = panels.figure(2, height=_row_height(runs), width=4, sharey=True)
    for panel, (key, name) in zip(axes, _COSTS.items(), strict=True):
        values = [run.summary[key] for run in runs]
        colors = [panels.look(index)["color"] for index in range(len(runs))]
        bars = panel.barh(range(len(runs)), values, height=0.6, color=colors)
        panel.bar_label(bars, [f"{value:,.0f}" for value in values], padding=3)
        panel.set_xlim(0, 1.25 * max(values))
        panels.round_ticks(panel.xaxis)
        panels.name_rows(panel, [run.label for run in runs])
        panel.set_xlabel(name)
    return panels.save(figure, path)


_COSTS = {"num_parameters": "parameters", "wall_seconds": "wall clock of a run (s)"}


def _played(runs: Sequence[ComparedRun], split: str) -> list[tuple[int, ComparedRun]]:
    """Runs that were evaluated on a split, with their places among all runs."""
    return [
        (index, run)
        for index, run in enumerate(runs)
        if run.transfer is not None and split in run.transfer.splits
    ]


def _levels(runs: Sequence[ComparedRun], split: str) -> list[tuple[str, float | None]]:
    """Random and expert level of a split: those of the first run that knows them."""
    known = [levels_of(run, split) for _, run in _played(runs, split)]
    none = Levels()
    best = next((levels for levels in known if levels != none), none)
    return [("random", best.random), ("expert", best.expert)]


def _ends_of_training(runs: Sequence[ComparedRun], split: str) -> list[int]:
    """Numbers of trials trained on, where more were played."""
    found = [run.transfer for _, run in _played(runs, split)]
    return sorted({t.trained for t in found if t and t.trained < t.num_trials})


def _row_height(runs: Sequence[Any]) -> float:
    return 1.1 + 0.32 * len(runs)
