"""The tables of docs/control.md and its picture: `python -m results.control.tables`.

Made from study.csv and put between their marks there: each mean with its 95 % interval
over learners (Student's t, cut where no return can be).
"""

from collections.abc import Sequence

from envs.control.table import TABLE
from experiment.report.statistics import mean_interval
from results.control.study import CHOSEN, HERE, SETTINGS, SOME, WIDELY, rows
from results.documents import put, table

DOCUMENT = HERE.parents[1] / "docs" / "control.md"
MOST = 1000.0
# CleanRL's PPO on dm_control, 8 million steps, ten seeds: mean and what stands after
# the +- (docs/rl-algorithms/rpo.md of vwxyzjn/cleanrl, commit 17a2406).
PUBLISHED = {
    "cartpole_balance": (790.36, 17.64),
    "cartpole_balance_sparse": (986.04, 9.93),
    "cartpole_swingup": (590.21, 16.72),
    "cartpole_swingup_sparse": (240.14, 299.93),
    "pendulum_swingup": (472.19, 385.47),
    "acrobot_swingup": (26.87, 7.93),
    "acrobot_swingup_sparse": (1.70, 0.88),
    "point_mass_easy": (534.23, 264.35),
    "point_mass_hard": (129.75, 61.18),
    "reacher_easy": (773.01, 56.70),
    "reacher_hard": (637.84, 81.15),
}


def returns(setting: str, task: str) -> list[float]:
    """Of each learner; none where it has not been trained."""
    return [
        float(row["final_return"])
        for row in rows()
        if (row["setting"], row["task"]) == (setting, task)
    ]


def estimate(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and interval of returns from 0 to 1,000."""
    mean, low, high = mean_interval(values)
    return mean, max(low, 0.0), min(high, MOST)


def cell(values: Sequence[float]) -> str:
    """Mean and interval, or nothing."""
    if not values:
        return ""
    mean, low, high = estimate(values)
    return f"{mean:.0f} [{low:.0f}, {high:.0f}]"


def options_table() -> str:
    """Every setting on some tasks."""
    lines = []
    for setting, options in SETTINGS.items():
        cells = [cell(returns(setting, task)) for task in SOME]
        if any(cells):
            said = " ".join(f"`{option}`" for option in options) or "nothing"
            lines.append([said, *cells])
    return table(["beside the base", *(f"`{task}`" for task in SOME)], lines)


def tasks_table() -> str:
    """The chosen setting on every task, beside published figures."""
    lines = []
    for task, entry in TABLE.items():
        mean, spread = PUBLISHED.get(task, (None, None))
        theirs = "" if mean is None else f"{mean:.0f} ± {spread:.0f}"
        ours = returns(CHOSEN, task)
        each = ", ".join(f"{value:.0f}" for value in ours)
        lines.append([f"`{task}`", f"{entry.chance:.1f}", cell(ours), each, theirs])
    head = ["`env=control/`", "random play", "3 M steps", "by learner"]
    return table([*head, "CleanRL's PPO, 8 M steps"], lines)


def widely_table() -> str:
    """The settings that were trained on every task, and the mean of their means."""
    lines, sums = [], dict.fromkeys(WIDELY, 0.0)
    for task in TABLE:
        cells = []
        for setting in WIDELY:
            found = returns(setting, task)
            cells.append(cell(found))
            sums[setting] += estimate(found)[0] / len(TABLE) if found else 0.0
        lines.append([f"`{task}`", *cells])
    lines.append(
        ["mean of the twelve", *(f"{sums[setting]:.0f}" for setting in WIDELY)]
    )
    heads = [" ".join(f"`{option}`" for option in SETTINGS[one]) for one in WIDELY]
    return table(["`env=control/`", *heads], lines)


TABLES = {"options": options_table, "widely": widely_table, "tasks": tasks_table}


def main() -> None:
    """Puts the tables into the document, and draws its picture."""
    from results.control import picture

    for name, make in TABLES.items():
        put(DOCUMENT, name, make())
    picture.draw(HERE / "tasks.png")


if __name__ == "__main__":
    main()
