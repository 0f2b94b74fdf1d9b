"""The picture of docs/control.md: twelve tasks, ours beside published figures."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from envs.control.table import TABLE
from results.control.study import CHOSEN
from results.control.tables import MOST, PUBLISHED, estimate, returns

OURS, THEIRS, RANDOM, INK = "#0072B2", "#D55E00", "#999999", "#333333"


def draw(path: Path) -> None:
    """Each learner, their mean and interval, and what was published; into a PNG."""
    figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
    for place, (task, entry) in enumerate(reversed(TABLE.items())):
        values = returns(CHOSEN, task)
        axes.plot(entry.chance, place, "|", ms=10, color=RANDOM)
        if task in PUBLISHED:
            mean, spread = PUBLISHED[task]
            ends = max(mean - spread, 0), min(mean + spread, MOST)
            axes.plot(ends, [place - 0.2] * 2, lw=1.2, color=THEIRS)
            axes.plot(mean, place - 0.2, "s", ms=4, color=THEIRS)
        if values:
            mean, low, high = estimate(values)
            axes.plot([low, high], [place + 0.15] * 2, lw=1.2, color=OURS)
            axes.plot(values, [place + 0.15] * len(values), ".", ms=4, color=OURS)
            axes.plot(mean, place + 0.15, "o", ms=5, color=OURS)
    for mark, colour, label in (
        ("o", OURS, "3 M steps, three learners, 95 %"),
        ("s", THEIRS, "CleanRL's PPO, 8 M steps, as published"),
        ("|", RANDOM, "random play"),
    ):
        axes.plot([], [], mark, color=colour, label=label)
    axes.set_yticks(range(len(TABLE)), list(reversed(TABLE)))
    axes.set_xlim(-15, MOST + 15)
    axes.set_xlabel("return while training, of 1,000", color=INK)
    figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
