"""The table that papers print of a field, what is said beside it, and its files."""

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from experiment import files
from experiment.compare.field import Cell, Field, Setting
from experiment.compare.field_fairness import unequal
from experiment.errors import InputError
from experiment.report import numbers
from experiment.report.formats import as_latex, as_markdown
from experiment.report.page import Cell as Shown
from experiment.report.page import Table, as_text, write_csv
from experiment.report.statistics import learners_interval
from experiment.setup import trust
from experiment.setup.command import arguments_of

FRESH_SEEDS = 8


def write(found: Field, folder: Path, given: Sequence[str]) -> str:
    """Writes the table as CSV, Markdown and LaTeX, and what is behind it.

    Returns:
      What to print: the table, every warning, and how to get fresh numbers.
    """
    files.make_folder(folder, f"out={folder} cannot be made")
    table = shown(found)
    write_csv(folder / "field.csv", full(found))
    write_csv(folder / "settings.csv", settings(found))
    files.write(folder / "field.md", as_markdown(table))
    files.write(folder / "field.tex", as_latex(table))
    lines = [as_text(table), table.caption]
    lines += [f"warning: {sentence}" for sentence in (*found.warnings, *unequal(found))]
    if not found.is_fresh:
        files.write(folder / "fresh.sh", _script(found, folder))
        again = [
            f"field={','.join(given)}",
            f"by={found.by}",
            f"fresh={folder}/fresh/*",
        ]
        lines.append(
            f"{shlex.join(['bash', str(folder / 'fresh.sh')])} trains {FRESH_SEEDS} "
            "fresh learners of each best setting; then: python compare.py "
            f"{shlex.join(again)}"
        )
    lines.append(f"written to {folder}: field.csv, .md and .tex, settings.csv")
    return "\n".join(lines)


def shown(found: Field) -> Table:
    """Rows by environments: mean, interval, and of how many settings it is the best."""
    columns = (found.by, *found.envs.values())
    rows = [
        (row, *(_cell(found.cells.get((row, env))) for env in found.envs))
        for row in found.rows
    ]
    counts = {len(cell.told.returns) for cell in found.cells.values() if cell.told}
    learners = _span(counts, "learner")
    how = (
        f"{learners} of the best setting that it was not chosen by"
        if found.is_fresh
        else f"the {learners} of the best setting, by which it was chosen"
    )
    caption = (
        "Final return (mean over the last tenth of training): mean and 95% interval "
        f"over {how}. In brackets: how many settings it is the best of."
    )
    return Table(columns, rows, caption)


def _cell(cell: Cell | None) -> Shown:
    if cell is None:
        return None
    number = "–" if cell.told is None else numbers.interval(*_interval(cell.told))
    return f"{number} (of {len(cell.settings)})"


def _interval(setting: Setting) -> tuple[float, float, float]:
    return learners_interval(list(setting.returns.values()))


def full(found: Field) -> Table:
    """A row for each cell, with every digit."""
    columns = (
        *(found.by, "env", "mean", "low", "high", "learners", "settings_tried"),
        *(
            "setting",
            "fresh",
            "mean_when_chosen",
            "env_steps",
            "num_parameters",
            "runs",
        ),
    )
    rows = []
    for cell in found.cells.values():
        place, told, best = (cell.row, found.envs[cell.env]), cell.told, cell.best
        depth = len(cell.settings)
        if told is None or best is None:
            rows.append((*place, *(None,) * 3, 0, depth, *(None,) * 6))
            continue
        rows.append(
            (
                *(*place, *_interval(told), len(told.returns), depth),
                *(describe(best, cell.settings), found.is_fresh, best.mean),
                *(told.runs[0].env_steps, told.runs[0].num_parameters, _runs(told)),
            )
        )
    return Table(columns, rows)


def settings(found: Field) -> Table:
    """A row for each setting that was tried."""
    columns = (
        *(found.by, "env", "setting", "mean", "low", "high", "learners", "env_steps"),
        *("chosen", "runs"),
    )
    rows = []
    for cell in found.cells.values():
        for one in cell.settings:
            rows.append(
                (
                    *(cell.row, found.envs[cell.env], describe(one, cell.settings)),
                    *(*_interval(one), len(one.returns), one.runs[0].env_steps),
                    *(one is cell.best, _runs(one)),
                )
            )
    return Table(columns, rows)


def describe(setting: Setting, among: Sequence[Setting]) -> str:
    """What it has that others have not; empty where it is alone."""
    every = [json.loads(one.key) for one in among]
    own = json.loads(setting.key)
    return " ".join(
        f"{key}={value}"
        for key, value in own.items()
        if any(other.get(key) != value for other in every)
    )


def _span(counts: set[int], what: str) -> str:
    """`3 learners`, `3 to 8 learners`."""
    if not counts:
        return f"no {what}s"
    least, most = min(counts), max(counts)
    number = f"{least}" if least == most else f"{least} to {most}"
    return f"{number} {what}" if most == 1 else f"{number} {what}s"


def _runs(setting: Setting) -> str:
    return " ".join(str(one.folder.path) for one in setting.runs)


def _script(found: Field, folder: Path) -> str:
    """Commands that train fresh learners of what came out best, for a shell."""
    lines = [f"# {FRESH_SEEDS} fresh learners of the best setting of each cell."]
    for cell in found.cells.values():
        if cell.best is None:
            continue
        config = cell.best.runs[0].config
        name = f"{cell.row}-{found.envs[cell.env]}"
        try:
            trust.check(config, cell.best.runs[0].folder.path, False)
        except InputError:
            lines.append(f"# {_plain(name)}: it names code that is not yours")
            continue
        place = folder / "fresh" / _plain(name)
        seed = 1 + max(one for tried in cell.settings for one, _ in tried.returns)
        schedule = replace(
            config.schedule, seed=seed, num_seeds=FRESH_SEEDS, run_dir=str(place)
        )
        again = arguments_of(replace(config, schedule=schedule))
        lines.append(shlex.join(["python", "train.py", *again]))
    return "\n".join([*lines, ""])


def _plain(name: str) -> str:
    """As a file's name."""
    return re.sub(r"[^\w.=+-]+", "-", name).strip("-")[:100]
