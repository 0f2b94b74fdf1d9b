"""The tables of a transfer evaluation, for its page and as CSV."""

from collections.abc import Mapping
from typing import Any

from experiment.evaluate import words
from experiment.evaluate.transfer_words import loss_of, over
from experiment.report import numbers
from experiment.report.page import Cell, Table
from experiment.report.statistics import SPREAD
from experiment.report.verdict import count

_COLUMNS = ("zero-shot", "adapted", "gain", "beyond training", "random", "expert",
            "normalised")  # fmt: skip
_IN_TASK = ("expert in the task", "normalised by it")
_ABOUT_TASKS = (
    "Expert in the task: experts of the bare bodies, acting through the task's own "
    "lens or on the task's own body. "
)
_MOST_LEARNERS = 32  # on a page


def table(result: Mapping[str, Any]) -> Table:
    """A row per split."""
    every = result["levels"].values()
    whole = any(levels.get("in_task") is not None for levels in every)
    rows = [
        (words.split(split), *_row(figures, result["levels"][split], whole),
         figures["worst_decile"])
        for split, figures in result["splits"].items()
    ]  # fmt: skip
    named = " or ".join({over(figures): 0 for figures in result["splits"].values()})
    return Table(
        ("tasks", *_COLUMNS, *(_IN_TASK if whole else ()), "worst 10%"),
        rows,
        "Return per trial. Zero-shot: trial 1. Adapted: the last quarter of the trials "
        "trained on. Gain: what adapting adds. Beyond training: the last quarter of "
        "all. Normalised: adapted, random play 0, the expert 1. Worst 10%: adapted, of "
        f"the worst tasks. {_ABOUT_TASKS if whole else ''}In brackets, over {named}. "
        f"Of returns, as drawn: {SPREAD}. Of gains, with any number of values: their "
        "95% interval.",
    )


def control_table(result: Mapping[str, Any], split: str) -> Table:
    """A row per control: what it costs, over learners and over tasks."""
    figures = result["splits"][split]
    tasks = f"{count(figures['num_tasks'], 'task')}, learners averaged"
    several = figures["over"] == "learners"
    rows = [
        (words.control(control), found["own"], found["with_control"],
         numbers.interval(*found["loss"]),
         *([numbers.interval(*found["loss_over_tasks"])] * several),
         loss_of(figures, control).choose("hurts", "helps", "not shown"))
        for control, found in figures["controls"].items()
    ]  # fmt: skip
    heads = ("memory", "return as it is", "return so", f"loss, over {over(figures)}")
    return Table(
        (*heads, *([f"loss, over {tasks}"] * several), "so it"),
        rows,
        "What it costs to tamper with memory, compared learner by learner and task by "
        "task, with 95% intervals. Cleared at every trial: read in the last quarter of "
        f"the trials trained on. Another task's at trial {result['swap_at'] + 1}: read "
        "there. Another task's from the start, and never cleared: read in all trials "
        f"trained on. Hurts or helps: what the interval over {over(figures)} shows.",
    )


def learner_table(result: Mapping[str, Any]) -> Table:
    """A row per learner: where it begins on each split, and where it gets."""
    splits = result["splits"]
    heads = [
        f"{words.split(split)}: {what}"
        for split in splits
        for what in ("zero-shot", "adapted")
    ]
    columns = [
        figures["per_learner"][name]
        for figures in splits.values()
        for name in ("zero_shot", "adapted")
    ]
    rows = [(str(n), *values) for n, values in enumerate(zip(*columns, strict=True))]
    caption = "Return of a trial, mean over tasks."
    if len(rows) > _MOST_LEARNERS:
        caption += f" The first {_MOST_LEARNERS} of {len(rows)}."
    caption += " learners.csv has every trial of each."
    return Table(("learner", *heads), rows[:_MOST_LEARNERS], caption)


def body_table(result: Mapping[str, Any], split: str) -> Table:
    """A row per body; none where all tasks share one."""
    levels = result["levels"][split]["bodies"]
    whole = any(own.get("in_task") is not None for own in levels.values())
    rows = [
        (name, *_row(figures, levels[name], whole))
        for name, figures in result["splits"][split]["bodies"].items()
    ]
    heads = "body", *_COLUMNS, *(_IN_TASK if whole else ())
    return Table(heads, rows, "Likewise, by body; experts are its own.")


def _row(
    figures: Mapping[str, Any], levels: Mapping[str, Any], whole: bool
) -> tuple[Cell, ...]:
    known = levels["random"], levels["expert"], figures["normalised_adapted"]
    in_task = levels.get("in_task"), figures["normalised_in_task"]
    return (
        shown(figures, "zero_shot"),
        shown(figures, "adapted"),
        numbers.interval(*figures["gain"]),
        shown(figures, "beyond_training"),
        *known,
        *(in_task if whole else ()),
    )


def shown(figures: Mapping[str, Any], name: str) -> str:
    """A return with what is drawn around it."""
    return numbers.interval(figures[name][0], *figures["spread"][name])


def curves(result: Mapping[str, Any]) -> Table:
    """A row per split, control and trial, the expert's among them where it has them."""
    rows: list[tuple[Cell, ...]] = []
    for split, figures in result["splits"].items():
        for control, curve in figures["curves"].items():
            rows += [(split, control, k + 1, *at) for k, at in enumerate(curve)]
        expert = result["levels"][split]["expert_per_trial"] or []
        rows += [
            (split, "expert", k + 1, at, None, None) for k, at in enumerate(expert)
        ]
    return Table(("split", "control", "trial", "return", "low", "high"), rows)
