"""Which settings of one run came out how: a table, settings.csv and settings.png."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiment import files
from experiment.report import numbers, panels, scales
from experiment.report.statistics import learners_interval
from experiment.setup.settings import Sweep

TABLE, PICTURE = "settings.csv", "settings.png"
SHOWN = 8  # lines at the end of a run
MOST_LINES = 6  # that a legend names
WIDE = 10.0  # what is spread wider lies on a logarithmic axis

Rest = tuple[tuple[str, float], ...]  # keys and values
Band = tuple[float, float, float]  # mean, low, high; NaN where there is none


def bands(outcomes: Sequence[Mapping[str, Any]]) -> list[Band]:
    """Mean over seeds and its 95 % interval, of each setting.

    Args:
      outcomes: of each, `final_return_per_seed`, with None where there is none.
    """
    return [learners_interval(outcome["final_return_per_seed"]) for outcome in outcomes]


def lines(
    sweep: Sweep, found: Sequence[Band], order: Sequence[int], most: int = SHOWN
) -> list[str]:
    """The best settings, a line each; `order` has their numbers, the best first."""
    several = any(math.isfinite(low) for _, low, _ in found)
    over = ", 95% interval over seeds" if several else ""
    said = [f"{len(order)} settings, best first: return{over}"]
    for setting in order[:most]:
        band = found[setting]
        shown = numbers.interval(*band) if math.isfinite(band[0]) else "none"
        said.append(f"{setting:>5}  {shown:>8}  {sweep.said(setting)}")
    left = len(order) - most
    return said + ([f"       and {left} more, in {TABLE}"] if left > 0 else [])


def table(
    sweep: Sweep, found: Sequence[Band], order: Sequence[int], path: Path
) -> None:
    """Writes settings.csv, the best first."""
    rows = [
        (setting, *sweep.settings[setting].values(), *map(_cell, found[setting]))
        for setting in order
    ]
    columns = ("setting", *sweep.keys, "final_return", "low", "high")
    files.write_csv(path, [columns, *rows])


def _cell(value: float) -> float | None:
    return value if math.isfinite(value) else None


def picture(sweep: Sweep, found: Sequence[Band], path: Path, *, title: str) -> None:
    """Return over each swept value: a panel for a key, a point for a setting.

    Settings that are alike in all other keys are joined, if every setting has such
    company: then they are a product, and not drawn by chance.
    """
    made, axes = panels.figure(len(sweep.keys), height=3.2, sharey=True)
    made.suptitle(title, fontsize=10)
    for panel, key in zip(axes, sweep.keys, strict=True):
        companies = _companies(sweep, key)
        joined = all(len(company) > 1 for company in companies.values())
        names = joined and 1 < len(companies) <= MOST_LINES
        for index, (rest, company) in enumerate(companies.items()):
            x = [sweep.settings[setting][key] for setting in company]
            mean, low, high = np.array([found[setting] for setting in company]).T
            style = panels.look(index if joined else 0)
            style["linestyle"] = style["linestyle"] if joined else ""
            label = " ".join(f"{_leaf(k)}={v:g}" for k, v in rest) if names else None
            panel.plot(x, mean, marker="o", markersize=4, label=label, **style)
            panel.vlines(x, low, high, color=style["color"], alpha=0.5, linewidth=1.5)
        values = [setting[key] for setting in sweep.settings]
        if min(values) > 0 and max(values) >= WIDE * min(values):
            panel.set_xscale("log")
            panel.xaxis.set_major_formatter("{x:g}")
            panel.xaxis.set_minor_formatter("")
        panel.set_xlabel(key)
        if names:  # colours mean something else in each panel
            panel.legend(
                loc="lower left",
                bbox_to_anchor=(0, 1),
                ncols=2,
                frameon=False,
                fontsize=8,
            )
    axes[0].set_ylabel("return at the end of training")
    scales.fit(axes[0].set_ylim, [[band[0] for band in found]],
               [[band[1:] for band in found]])  # fmt: skip
    panels.save(made, path)


def _companies(sweep: Sweep, key: str) -> dict[Rest, list[int]]:
    """Settings by the values of all other keys, each in order of this one's."""
    found: dict[Rest, list[int]] = {}
    for setting, values in enumerate(sweep.settings):
        rest = tuple((k, v) for k, v in values.items() if k != key)
        found.setdefault(rest, []).append(setting)
    by_value = lambda setting: sweep.settings[setting][key]  # noqa: E731
    return {rest: sorted(company, key=by_value) for rest, company in found.items()}


def _leaf(key: str) -> str:
    return key.rpartition(".")[2]
