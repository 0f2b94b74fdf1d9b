"""The pictures of a comparison, one function each: a figure of a size.

What is drawn around means is `experiment.report.statistics.spread`; tables have the 95%
intervals.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import (
    TRAINING,
    Scores,
    adaptation_curve,
    compiling,
    learning_curve,
    levels_of,
    name_of,
    over_learners,
    seconds_at,
    splits_of,
)
from experiment.evaluate import words
from experiment.evaluate.trials import PLAIN, Levels
from experiment.report import marks, panels, scales
from experiment.report.marks import Curve
from experiment.report.numbers import digits
from experiment.report.page import Table
from experiment.report.panels import Size
from experiment.report.statistics import spread


def learning_curves(runs: Sequence[ComparedRun], size: Size) -> Any:
    """Mean return over environment steps, and over seconds where they are known.

    Those of training, where it is known how long each run compiled before.
    """
    curves = [learning_curve(run, smooth=True, of=spread) for run in runs]
    clocks = [seconds_at(run, c.x) for run, c in zip(runs, curves, strict=True)]
    before = compiling(runs)
    timed = any(clock is not None for clock in clocks)
    figure, axes = panels.figure(1 + timed, size, height=3.6, sharey=True)
    levels = Levels()
    if all(run.config.env == runs[0].config.env for run in runs):
        levels = levels_of(runs[0], TRAINING)
    pairs = (("chance", levels.random), ("best", levels.expert))
    levels_drawn = [marks.mark(panel.axhline, pairs) for panel in axes]
    for index, run in enumerate(runs):
        marks.curve(axes[0], curves[index], index, run.label, of=len(runs))
        if (clock := clocks[index]) is not None:
            curve = curves[index]._replace(x=clock - before.get(run.label, 0.0))
            marks.curve(axes[1], curve, index, run.label, of=len(runs))
    around = [bound for curve in curves for bound in (curve.low, curve.high)]
    scales.fit(
        axes[0].set_ylim, [*(curve.mean for curve in curves), *levels_drawn], around
    )
    axes[0].set_xlim(0, max(run.summary["env_steps"] for run in runs))
    axes[0].set_xlabel("environment steps (of each seed)")
    for panel in axes[1:]:
        panel.set_xlim(left=0)
        spent = "training after compiling" if before else "wall clock"
        panel.set_xlabel(f"{spent} (s, of all seeds together)")
    for panel in axes:
        scales.round_ticks(panel.xaxis)
    axes[0].set_ylabel("return of finished episodes")
    panels.legend(figure, axes)
    return figure


def adaptation(runs: Sequence[ComparedRun], size: Size) -> Any:
    """Return of trial 1, 2, ...: a panel per split, on one axis."""
    splits = splits_of(runs)
    figure, axes = panels.figure(len(splits), size, sharex=True, sharey=True)
    seen, around, width = [], [], 1
    for panel, split in zip(axes, splits, strict=True):
        played = _played(runs, split)
        for index, run in played:
            found = adaptation_curve(run.transfer.returns[split, PLAIN], spread)  # type: ignore
            width = max(width, scales.bin_width(len(found.x)))
            binned = scales.binned(
                np.column_stack(found), scales.bin_width(len(found.x))
            )
            curve = Curve(*binned.T)
            marker = "o" if len(curve.x) <= 40 else None
            style = {"marker": marker, "markersize": 3}
            marks.curve(panel, curve, index, run.label, of=len(runs), **style)
            seen.append(curve.mean)
            around += [curve.low, curve.high]
        seen.append(marks.mark(panel.axhline, _levels(runs, split)))
        for trained in _ends_of_training(runs, split):
            panel.axvline(
                trained + 0.5, color=panels.GREY, linewidth=0.8, label="training ended"
            )
        panel.set_title(words.split(split))
        scales.whole_ticks(panel.xaxis)
    scales.fit(axes[0].set_ylim, seen, around)
    each = f" (means of {width})" if width > 1 else ""
    panels.name_axes(axes, f"trial on the same task{each}", "return of a trial")
    panels.legend(figure, axes)
    return figure


def transfer(runs: Sequence[ComparedRun], size: Size) -> Any:
    """Adapted return and first return: a panel per split, a line per evaluated run."""
    splits = splits_of(runs)
    lines = [run.label for run in runs if run.transfer is not None]
    figure, axes = panels.rows(len(splits), lines, size, sharex=True)
    seen, around = [], []
    for panel, split in zip(axes, splits, strict=True):
        for index, run in _played(runs, split):
            mean, low, high = over_learners(run.transfer.adapted(split), spread)  # type: ignore
            first, _, _ = over_learners(run.transfer.zero_shot(split))  # type: ignore
            line, color = lines.index(run.label), panels.look(index)["color"]
            panel.plot([low, high], [line, line], color=color, alpha=0.6)
            panel.plot(mean, line, "o", color=color, markersize=6)
            hollow = {"markerfacecolor": "white", "markersize": 6}
            panel.plot(first, line, "o", color=color, **hollow)
            seen.append([mean, first])
            around.append([low, high])
        seen.append(marks.mark(panel.axvline, _levels(runs, split)))
        grey = {"color": panels.GREY, "marker": "o", "linestyle": ""}
        panel.plot([], [], label="adapted", **grey)
        panel.plot([], [], label="trial 1", markerfacecolor="white", **grey)
        panel.set_title(words.split(split))
    scales.fit(axes[0].set_xlim, seen, around)
    panels.name_axes(axes, "return of a trial", "")
    panels.legend(figure, axes)
    return figure


def profiles(
    runs: Sequence[ComparedRun], every: Sequence[Scores], table: Table, size: Size
) -> Any:
    """Fraction of scores above each threshold, from `score_tables.profiles`."""
    curves: dict[tuple[str, str], list[Any]] = {}
    for name, _, label, *point in table.rows:
        curves.setdefault((str(name), str(label)), []).append(point)
    figure, axes = panels.figure(len(every), size, sharex=_alike(every), sharey=True)
    ends = []
    for panel, scores in zip(axes, every, strict=True):
        for index, run in enumerate(runs):
            if run.label in scores.of:
                curve = Curve(*np.array(curves[scores.name, run.label]).T)
                marks.curve(panel, curve, index, run.label, of=len(runs))
                ends += [curve.x[0], curve.x[-1]]
                if not _alike(every):
                    panel.set_xlim(curve.x[0], curve.x[-1])
        panel.set_title(name_of(scores.name))
        panel.locator_params(axis="x", nbins=4)
    axes[0].set_ylim(-0.02, 1.02)
    if _alike(every):
        axes[0].set_xlim(min(ends), max(ends))
    _name_scales(axes, every, "threshold", "fraction of scores above")
    panels.legend(figure, axes)
    return figure


def interquartile_means(
    runs: Sequence[ComparedRun], every: Sequence[Scores], table: Table, size: Size
) -> Any:
    """With bootstrap intervals, from `score_tables.aggregate`."""
    found = {
        (scores, label): band
        for scores, _, label, name, *band, _, _ in table.rows
        if name == "iqm"
    }
    labels = [run.label for run in runs]
    figure, axes = panels.rows(len(every), labels, size, sharex=_alike(every))
    seen, around = [], []
    for panel, scores in zip(axes, every, strict=True):
        if not _alike(every):
            seen, around = [], []
        for index, run in enumerate(runs):
            if run.label not in scores.of:
                continue
            value, low, high = map(float, found[scores.name, run.label])  # type: ignore
            color = panels.look(index)["color"]
            if np.isfinite(low):
                panel.plot([low, high], [index, index], color=color, alpha=0.6)
            panel.plot(value, index, "o", color=color, markersize=6)
            seen.append(value)
            around.append([low, high])
        scales.fit(panel.set_xlim, seen, around)
        panel.set_title(name_of(scores.name))
    _name_scales(axes, every, "IQM", "")
    return figure


def costs(runs: Sequence[ComparedRun], size: Size) -> Any:
    """Parameters and wall clock, side by side."""
    figure, axes = panels.rows(2, [run.label for run in runs], size)
    for panel, (key, name) in zip(axes, _COSTS.items(), strict=True):
        values = [run.summary[key] for run in runs]
        colors = [panels.look(index)["color"] for index in range(len(runs))]
        bars = panel.barh(range(len(runs)), values, height=0.6, color=colors)
        panel.bar_label(bars, [digits(float(value)) for value in values], padding=3)
        panel.set_xlim(0, 1.35 * max(values))
        scales.round_ticks(panel.xaxis)
        panel.set_xlabel(name)
    return figure


_COSTS = {"num_parameters": "parameters", "wall_seconds": "wall clock of a run (s)"}


def _name_scales(axes: Sequence[Any], every: Sequence[Scores], x: str, y: str) -> None:
    """What is on each axis, and on which scale."""
    panels.name_axes(axes, f"{x} ({every[0].scale})", y)
    if not _alike(every):
        for panel, scores in zip(axes, every, strict=True):
            panel.set_xlabel(f"{x} ({scores.scale})")


def _alike(every: Sequence[Scores]) -> bool:
    """Whether all scores are on one scale, so that panels can share an axis."""
    return len({scores.normalised for scores in every}) == 1


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
