"""The pictures of docs/cores.md, from the CSV files beside this one."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from results.cores import tables
from results.cores.study import best_settings, rows_of

COLOURS = ("#0072B2", "#D55E00", "#009E73")
INK = "#333333"


def memory_chain(path: Path) -> None:
    """Return of every core at each length, and how long its training took."""
    found = {name: rows for name in tables.CHAINS if (rows := rows_of(name))}
    best = {name: best_settings(rows) for name, rows in found.items()}
    cores = tables.by_longest(best)[::-1]  # the best stands on top
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 0.27 * len(cores) + 1.4), sharey=True, layout="constrained"
    )
    for index, (name, rows) in enumerate(found.items()):
        for place, core in enumerate(cores):
            if core not in best[name]:
                continue
            chosen = {"core": core, "setting": best[name][core][0]}
            returns = tables.of(rows, "final_return", **chosen)
            mean, low, high = tables.estimate(returns)
            y, style = place + 0.22 * (1 - index), {"color": COLOURS[index]}
            left.plot([low, high], [y, y], lw=1.2, **style)
            left.plot(mean, y, "o", ms=4, **style)
            seconds = tables.of(rows, "cpu_seconds", **chosen)[0]
            right.plot(seconds, y, "o", ms=4, **style)
        left.plot([], [], "o", color=COLOURS[index], label=name.rpartition("_")[2])
    left.set_yticks(range(len(cores)), cores)
    left.set_xlabel("return, three learners, 95 % (1 is the most)")
    right.set_xscale("log")
    right.xaxis.set_major_formatter("{x:g}")
    right.xaxis.set_minor_formatter("")
    right.set_xlabel("processor seconds, compiling included")
    left.legend(title="memory length", frameon=False, loc="lower left", fontsize=8)
    _finish(figure, path, (left, right))


def speed(path: Path) -> None:
    """Steps a second over T, and of acting: S5's, times what each core has of them.

    A core took turns with S5, and not with every other; a busier hour is in its own
    steps a second, and not in that ratio.
    """
    rows = tables.read("speed")
    of_s5 = {
        row["T"]: float(row["steps_per_second"]) for row in rows if row["core"] == "s5"
    }
    cores = list(dict.fromkeys(row["core"] for row in rows))
    learning = sorted({int(row["T"]) for row in rows} - {1})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 5.5), layout="constrained", width_ratios=(2, 1)
    )
    ends = []
    for index, core in enumerate(cores):
        steps = {
            int(r["T"]): of_s5[r["T"]] * float(r["times_s5"])
            for r in rows
            if r["core"] == core
        }
        colour = plt.get_cmap("tab20")(index % 20)
        style = {"color": "black", "lw": 2.5} if core == "s5" else {"color": colour}
        known = [t for t in learning if t in steps]
        left.plot(known, [steps[t] for t in known], marker="o", ms=3, **style)
        if known:
            ends.append((steps[known[-1]], core, style["color"]))
    _label_ends(left, learning[-1], ends)
    acting = sorted(
        (of_s5["1"] * float(r["times_s5"]), r["core"]) for r in rows if r["T"] == "1"
    )
    for steps, core in acting:
        right.plot(steps, core, "o", color="black" if core == "s5" else COLOURS[0])
    right.tick_params(axis="y", labelsize=7)
    left.set_xscale("log", base=2)
    left.set_xlim(learning[0] / 1.2, 2.6 * learning[-1])
    left.set_xticks(learning, [f"{t:,}" for t in learning])
    left.set_yscale("log")
    left.set_xlabel("T, steps of a call")
    left.set_ylabel("steps a second, forward and gradient")
    right.set_xscale("log")
    right.set_xlabel("steps a second, acting, 256 lanes")
    _finish(figure, path, (left, right))


def _label_ends(axes: Any, x: float, ends: list[tuple[float, str, Any]]) -> None:
    """Names at the ends of lines, moved apart by factors (the axis is logarithmic)."""
    y = 0.0
    for value, name, colour in sorted(ends, key=lambda end: end[:2]):
        y = max(value, 1.11 * y)
        axes.text(1.06 * x, y, name, color=colour, fontsize=7, va="center")


def _finish(figure: Any, path: Path, every: tuple[Any, ...]) -> None:
    for axes in every:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color="#eeeeee")
        axes.tick_params(colors=INK)
    figure.savefig(path, dpi=110)
    plt.close(figure)
