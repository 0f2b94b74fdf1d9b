"""The table and the plot of `benchmarks.train`, made from its rows alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TITLES = {"width": "at S5's width", "parameters": "at S5's number of parameters"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666")
Row = dict[str, Any]


def read(path: Path) -> list[Row]:
    """Rows of a file, if it is there."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def draw(path: Path) -> None:
    """Writes train.md and train.png beside the rows."""
    rows = read(path)
    path.with_suffix(".md").write_text(table(rows))
    _plot(rows, path.with_suffix(".png"))


def table(rows: Sequence[Row]) -> str:
    """Markdown: thousands of steps a second, times S5's in brackets."""
    lengths = sorted({row["T"] for row in rows})
    one = rows[0]
    steps = one["T"] * one["B"]
    lines = [
        "Training, thousands of environment steps a second; in brackets times the "
        "first row's, in the same rounds.",
        f"PPO on memory_chain, {steps:,} steps an update (T x B), 4 epochs of 4 "
        f"minibatches; median of {one['repeat']} rounds, compile time apart.",
        f"{one['device']}, {one['cpus']} CPUs, JAX {one['jax']}.",
    ]
    for equal in dict.fromkeys(row["equal"] for row in rows):
        mine = [row for row in rows if row["equal"] == equal]
        heads = [f"T = {length:,}" for length in lengths]
        lines += ["", f"## {TITLES[equal][0].upper()}{TITLES[equal][1:]}", ""]
        lines.append(_line(["core", "features", "parameters", *heads, "compiling, s"]))
        lines.append("|" + "---|" * (4 + len(lengths)))
        for core in dict.fromkeys(row["core"] for row in mine):
            its = {row["T"]: row for row in mine if row["core"] == core}
            widths = sorted({row["features"] for row in its.values()})
            counts = sorted({row["parameters"] for row in its.values()})
            cells = [_cell(its.get(length)) for length in lengths]
            seconds = [row["compile_seconds"] for row in its.values()]
            compiling = f"{min(seconds):.1f} to {max(seconds):.1f}"
            lines.append(_line([core, _span(widths), _span(counts), *cells, compiling]))
    return "\n".join(lines) + "\n"


def _cell(row: Row | None) -> str:
    if row is None:
        return "-"
    (times,) = (value for key, value in row.items() if key.startswith("times_"))
    return f"{row['steps_per_second'] / 1e3:,.1f} ({times:.2f})"


def _span(values: Sequence[int]) -> str:
    ends = dict.fromkeys((values[0], values[-1]))
    return " to ".join(f"{value:,}" for value in ends)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plot(rows: Sequence[Row], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sizes = list(dict.fromkeys(row["equal"] for row in rows))
    figure, axes = plt.subplots(
        *(1, len(sizes)),
        **{"figsize": (5 * len(sizes), 4), "sharey": True, "squeeze": False},
        layout="constrained",
    )
    names = list(dict.fromkeys(row["core"] for row in rows))
    for axis, equal in zip(axes[0], sizes, strict=True):
        for index, core in enumerate(names):
            its = [r for r in rows if r["core"] == core and r["equal"] == equal]
            its.sort(key=lambda row: row["T"])
            if not its:
                continue
            x, y = [r["T"] for r in its], [r["steps_per_second"] for r in its]
            below = [r["steps_per_second"] - r["slowest"] for r in its]
            above = [r["fastest"] - r["steps_per_second"] for r in its]
            style = "--" if index >= len(COLOURS) else "-"
            axis.errorbar(x, y, (below, above), label=core, ls=style, marker="o", ms=4,
                          capsize=2, color=COLOURS[index % len(COLOURS)])  # fmt: skip
        axis.set(xscale="log", yscale="log", xlabel="steps of a rollout, T")
        axis.set_title(TITLES[equal], fontsize=10)
        axis.set_xticks(lengths := sorted({r["T"] for r in rows}), lengths)
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("environment steps a second, training")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", frameon=False, fontsize=8
    )
    figure.savefig(path, dpi=120)
    plt.close(figure)
