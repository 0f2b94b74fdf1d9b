"""Pictures of what a memory holds, each a figure of some size (`report.panels`)."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from envs import titles
from experiment.inside import tables
from experiment.inside.found import Looked
from experiment.report import panels, scales
from experiment.report.panels import PAGE, Size

LONGEST = 1e7  # half-lives are drawn up to this
SHORTEST = 1e-2
SLOWEST = 1e-3  # cycles a step; below it the axis is linear, down to 0
AREA = 600.0  # of a state that does all, in square points
ALONE = dict(color=panels.PALETTE[0], linewidth=0.8, alpha=0.35)


def draw(
    place: Path, looked: Sequence[Looked], result: Mapping[str, Any]
) -> dict[str, Path]:
    """Writes the pictures; returns their paths by name."""
    played = titles.title(result["env"], result["env_params"])
    title = f"{played} · {result['core']} · {result['agent']}"
    drawn = {"recall": recall}
    if any(layer for one in looked for layer in one.layers):
        drawn["states"] = states
    if looked[0].readout is not None:
        drawn["readout"] = readout
    return {
        name: panels.write(partial(figure, looked, title), place / f"{name}.png")
        for name, figure in drawn.items()
    }


def states(looked: Sequence[Looked], title: str, size: Size = PAGE) -> Any:
    """A panel for each layer: half-life by frequency, areas by own shares."""
    numbers = [i for i, layer in enumerate(looked[0].layers) if layer is not None]
    made, grid = panels.figure(len(numbers), size, height=3.4, sharey=True)
    made.suptitle(title, fontsize="medium")
    length = tables.length(looked)
    for panel, number in zip(grid, numbers, strict=True):
        for index, one in enumerate(looked):
            layer = one.layers[number]
            assert layer is not None
            panel.scatter(
                np.clip(layer.half_life, SHORTEST, LONGEST),
                layer.frequency,
                s=AREA * layer.own / len(looked) ** 0.5,
                color=panels.look(index)["color"],
                alpha=0.45,
                linewidth=0,
            )
            panel.scatter(  # where a state is that adds nothing
                np.clip(layer.half_life, SHORTEST, LONGEST),
                layer.frequency,
                s=2,
                color=panels.look(index)["color"],
                label=f"learner {one.learner}",
            )
        panel.axvline(length, color=panels.GREY, linestyle="--", linewidth=1,
                      label=f"{length} steps, the longest looked at")  # fmt: skip
        panel.set_xscale("log")
        panel.set_yscale("symlog", linthresh=SLOWEST, linscale=0.3)
        panel.set_ylim(-SLOWEST / 4, 0.6)
        panel.set_title(f"layer {number + 1}", fontsize="small")
        scales.written_out(panel.xaxis, panel.yaxis)
    panels.name_axes(grid, "half-life (steps)", "frequency (cycles a step)")
    panels.legend(made, grid)
    scales.spread(
        made, *(axis for panel in grid for axis in (panel.xaxis, panel.yaxis))
    )
    return made


def readout(looked: Sequence[Looked], title: str, size: Size = PAGE) -> Any:
    """Accuracy over steps, beside chance and shuffled labels."""
    made, (panel,) = panels.figure(1, size, height=4.0)
    panel.set_title(title)
    found = tables.curves(looked)
    rows, each = found.accuracy, "a learner, its bits averaged"
    if len(looked) == 1:
        (one,) = looked
        assert one.readout is not None
        rows, each = one.readout.accuracy.T, "a bit"
    for index, row in enumerate(rows if len(rows) > 1 else []):
        panel.plot(found.steps, row, label=None if index else each, **ALONE)
    marks = range(len(found.steps))
    mean, low, high = np.array([tables.interval(found, q) for q in marks]).T
    own = dict(color=panels.PALETTE[0])
    panel.plot(found.steps, mean, linewidth=2, label="mean, 95% interval", **own)
    panel.fill_between(found.steps, low, high, alpha=0.2, linewidth=0, **own)
    thin = dict(linewidth=1.2, zorder=1)
    panel.plot(found.steps, found.chance.mean(0), color=panels.GREY, linestyle=":",
               label="chance", **thin)  # fmt: skip
    panel.plot(found.steps, found.shuffled.mean(0), color=panels.PALETTE[1],
               label="shuffled labels", **thin)  # fmt: skip
    panel.set_ylim(min(0.4, panel.get_ylim()[0]), 1.03)
    panel.set_xlabel("steps since the episode began")
    panel.set_ylabel("held-out accuracy of a linear probe")
    panels.legend(made, [panel])
    return made


def recall(looked: Sequence[Looked], title: str, size: Size = PAGE) -> Any:
    """Density by lag, and of the first learner decisions by observations."""
    made, (left, right) = panels.figure(2, size, height=3.6)
    made.suptitle(title, fontsize="medium")
    every = tables.densities(looked)
    for index, row in enumerate(every if len(every) > 1 else []):
        left.plot(row, label=None if index else "a learner", **ALONE)
    mean = f"mean of {len(every)}" if len(every) > 1 else f"learner {looked[0].learner}"
    left.plot(every.mean(0), color=panels.PALETTE[0], linewidth=1.6, label=mean)
    largest = every.max()
    if largest > 0:
        left.set_yscale("symlog", linthresh=largest * 1e-3, linscale=0.3)
        scales.written_out(left.yaxis)
    left.set_ylim(bottom=0)
    left.set_xlabel("lag (steps before the decision)")
    left.set_ylabel("recall density")
    left.legend(frameon=False, fontsize="small")
    _map(made, right, looked[0])
    if largest > 0:
        scales.spread(made, left.yaxis)
    return made


def _map(made: Any, panel: Any, one: Looked) -> None:
    """Sizes of gradients, each decision a row: darker by their logarithm."""
    values, steps = one.lags.map, one.lags.decisions
    largest = np.nanmax(values) if np.isfinite(values).any() else 0
    floor = largest * 1e-4 or 1.0
    drawn = panel.pcolormesh(
        np.arange(values.shape[1]),
        steps,
        np.log10(np.maximum(values, floor)),
        cmap="Blues",
        shading="nearest",
        rasterized=True,
    )
    panel.set_xlabel("step observed")
    panel.set_ylabel("step decided")
    panel.set_title(f"learner {one.learner}", fontsize="small")
    made.colorbar(drawn, ax=panel, label="log10 of the gradient's size")
