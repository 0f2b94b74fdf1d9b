"""Pictures of a run. matplotlib is imported when something is drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiment.report import marks, numbers, panels, scales
from experiment.report.statistics import FEW, spread

Row = Mapping[str, Any]  # of metrics.csv
BLUE, ORANGE = "#1f5fa8", "#d9822b"
INK = "#303030"
# Memory as it is, cleared, swapped, never reset; told apart by colour-blind eyes.
CONTROL_COLORS = (BLUE, ORANGE, "#009e73", "#cc79a7")


def learning_curve(
    rows: Sequence[Row], path: Path, *, title: str, levels: Mapping[str, float | None]
) -> None:
    """Mean return over environment steps, with a band over seeds.

    Args:
      rows: of metrics.csv.
      path: the PNG to write.
      title: what was run.
      levels: returns to mark, such as chance and best; None is left out.
    """
    steps, returns = curves(rows)
    if not steps.size:
        return
    diverged = len({row["seed"] for row in rows}) - len(returns)
    figure, axes = _axes(title + (f" · {diverged} diverged" if diverged else ""))
    smooth, band = np.stack([smoothed(curve) for curve in returns]), np.zeros(0)
    if len(returns) > 1:
        band = np.array([spread(column)[1:] for column in smooth.T])
        mean = smooth.mean(0)
        for curve in smooth:
            axes.plot(steps, curve, color=BLUE, alpha=0.25, linewidth=0.8)
        around = "least to greatest" if len(returns) <= FEW else "95% interval"
        label = f"mean of {len(returns)} seeds, {around}"
        axes.fill_between(steps, band[:, 0], band[:, 1], color=BLUE, alpha=0.2)
        axes.plot(steps, mean, color=BLUE, linewidth=2, label=label)
    else:
        axes.plot(steps, returns[0], color=BLUE, alpha=0.25, linewidth=0.8)
        axes.plot(steps, smooth[0], color=BLUE, linewidth=2, label="one seed")
    _mark(axes, levels, horizontal=True)
    known = [level for level in levels.values() if level is not None]
    scales.fit(axes.set_ylim, [smooth, known], [band])
    axes.set_xlim(0, steps[-1])
    scales.round_ticks(axes.xaxis)
    axes.set_xlabel("environment steps")
    axes.set_ylabel("return of finished episodes")
    axes.legend(frameon=False, loc="best")
    panels.save(figure, path)


def histogram(
    values: np.ndarray, path: Path, *, title: str, levels: Mapping[str, float | None]
) -> None:
    """How the returns of single episodes are spread."""
    figure, axes = _axes(title)
    axes.hist(values, bins=min(40, max(10, len(values) // 20)), color=BLUE, alpha=0.7)
    mean = float(values.mean())
    axes.axvline(mean, color=BLUE, linewidth=2, label=f"mean {numbers.digits(mean)}")
    _mark(axes, levels, horizontal=False)
    axes.set_xlabel("return of an episode")
    axes.set_ylabel("episodes")
    axes.legend(frameon=False, loc="best")
    panels.save(figure, path)


def adaptation(
    curves: Mapping[str, Sequence[Sequence[float | None]]],
    size: panels.Size,
    *,
    title: str,
    trained: int,
    levels: Mapping[str, Any],
    limits: tuple[float, float] | None,
) -> Any:
    """A figure: the return of each trial of a meta-episode.

    Args:
      curves: (mean, low, high) of each trial, by what is done to memory; first what it
        is by itself, which alone has a band.
      size: what it is drawn for.
      title: what was played.
      trained: number of trials in training; the line after it is drawn.
      levels: "random", "expert", "expert_name" and "expert_per_trial".
      limits: of returns, as in `adaptation_limits`.
    """
    figure, (axes,) = panels.figure(1, size, height=3.6)
    axes.set_title(panels.wrapped(title, size._replace(letters=2 * size.letters)))
    width = scales.bin_width(len(next(iter(curves.values()))))
    for place, (label, found) in enumerate(curves.items()):
        trial, *values = scales.binned(_numbered(found), width).T
        color = CONTROL_COLORS[place % len(CONTROL_COLORS)]
        if place == 0:
            axes.plot(trial, values[0], color=color, label=label, zorder=3)
            marks.fill(axes, trial, values[1], values[2], color)
        else:
            axes.plot(trial, values[0], color=color, label=label, linewidth=1)
            points = marks.Curve(trial, *values)
            marks.whiskers(axes, points, place - 1, len(curves) - 1, color)
    if levels["expert_per_trial"] is not None:
        expert = [[level] for level in levels["expert_per_trial"]]
        trial, known = scales.binned(_numbered(expert), width).T
        axes.plot(trial, known, color=INK, linestyle="--", linewidth=1.1,
                  label=levels["expert_name"])  # fmt: skip
    elif levels["expert"] is not None:
        axes.axhline(levels["expert"], color=INK, linestyle="--", linewidth=1.1,
                     label=levels["expert_name"])  # fmt: skip
    axes.axhline(levels["random"], color=INK, linestyle=":", linewidth=1.1,
                 label="random play")  # fmt: skip
    axes.axvline(trained + 0.5, color="#999999", linewidth=1)
    each = f", means of {width}" if width > 1 else ""
    panels.name_axes([axes], f"trial (trained on {trained}{each})", "return of a trial")
    axes.set_xlim(0.5, len(next(iter(curves.values()))) + 0.5)
    scales.whole_ticks(axes.xaxis)
    if limits is not None:
        axes.set_ylim(*limits)
    panels.legend(figure, [axes])
    return figure


def adaptation_limits(
    every: Sequence[Mapping[str, Sequence[Sequence[float | None]]]],
    levels: Sequence[Mapping[str, Any]],
) -> tuple[float, float] | None:
    """One axis of returns for the figures of all splits, so that they compare."""
    drawn = [np.array(found, float) for curves in every for found in curves.values()]
    listed = [
        [at["random"], *(at["expert_per_trial"] or [at["expert"]])] for at in levels
    ]
    known = [level for of in listed for level in of if level is not None]
    return scales.limits([*(c[:, 0] for c in drawn), known], [c[:, 1:] for c in drawn])


def _numbered(curve: Sequence[Sequence[float | None]]) -> np.ndarray:
    """[K, 1 + C]: the values [K, C] of each trial behind its number, from 1."""
    values = np.array(curve, float)
    return np.column_stack([1 + np.arange(len(values)), values])


def curves(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """`(steps [N], returns [S, N])`; where no episode ended, the last one stands.

    Of the learners that got to the end: rows of one that diverged stop before.
    """
    seeds = sorted({row["seed"] for row in rows})
    by_seed = [[row for row in rows if row["seed"] == seed] for seed in seeds]
    if not seeds:
        return np.array([]), np.array([])
    longest = max(map(len, by_seed))
    by_seed = [rows_of for rows_of in by_seed if len(rows_of) == longest]
    steps = np.array([row["env_steps"] for row in by_seed[0]])
    returns = np.array(
        [[np.nan if (v := row["episode/return"]) is None else v for row in rows_of]
         for rows_of in by_seed]
    )  # fmt: skip
    for curve in returns:
        for index in range(1, len(curve)):
            if np.isnan(curve[index]):
                curve[index] = curve[index - 1]
    seen = ~np.isnan(returns).any(0)
    return steps[seen], returns[:, seen]


def smoothed(curve: np.ndarray) -> np.ndarray:
    """Running mean over about a fiftieth of the curve; over less at its ends."""
    width = max(1, len(curve) // 50)
    if width == 1:
        return curve
    kernel = np.ones(width)
    weight = np.convolve(np.ones(len(curve)), kernel, mode="same")
    return np.convolve(curve, kernel, mode="same") / weight


def _mark(axes: Any, levels: Mapping[str, float | None], *, horizontal: bool) -> None:
    line = axes.axhline if horizontal else axes.axvline
    for style, (name, level) in zip((":", "--"), levels.items(), strict=False):
        if level is not None:
            label = f"{name} {numbers.digits(level)}"
            line(level, color=ORANGE, linestyle=style, linewidth=1.2, label=label)


def _axes(title: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.ticklabel_format(axis="x", style="plain")
    return figure, axes
