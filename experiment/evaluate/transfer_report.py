"""What a transfer evaluation says: figures, words, pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from experiment.report import numbers, plots
from experiment.report.page import (
    Cell,
    Picture,
    Section,
    Table,
    write_csv,
    write_report,
)
from experiment.report.verdict import Verdict, count, verdict

# What each control does, as the subject of a sentence.
MEANING = {
    "cleared": "Clearing memory at every trial",
    "swapped": "Memory of another task at one trial",
    "never_reset": "Memory of another task at the start, never cleared,",
}
NAMES = {
    "train": "training tasks",
    "held_out": "held-out tasks",
    "shifted": "shifted tasks",
    "bodies": "unseen bodies",
}
COLUMNS = ("zero-shot", "adapted", "gain", "beyond training", "random", "expert",
           "normalised")  # fmt: skip
IN_TASK = ("expert in the task", "normalised by it")


def verdicts(result: Mapping[str, Any], split: str) -> list[str]:
    """What the intervals of one split show, in words; all are over the same."""
    figures = result["splits"][split]
    over = _over(figures)
    losses = {
        control: _judged(found["loss"], over)
        for control, found in figures["controls"].items()
    }
    said = [
        _control(MEANING[control], figures["controls"][control], loss)
        for control, loss in losses.items()
    ]
    return [*said, _in_context(_judged(figures["gain"], over), losses["cleared"])]


def _judged(estimate: Sequence[float | None], over: str) -> Verdict:
    mean, low, high = estimate
    assert mean is not None
    return verdict(mean, low, high, over)


def _control(what: str, found: Mapping[str, Any], loss: Verdict) -> str:
    """What a control does to returns."""
    claim = loss.choose(
        f"{what} hurts", f"{what} helps", f"{what} is not shown to hurt or to help"
    )
    return (
        f"{claim}: the return of a trial is {numbers.digits(found['own'])} with memory "
        f"as it is and {numbers.digits(found['with_control'])} under this control, "
        f"a loss of {loss.numbers}."
    )


def _in_context(gain: Verdict, cleared: Verdict) -> str:
    """Whether the agent is shown to learn in context: it gains, and by its memory."""
    numbers = f"(a gain of {gain.numbers})"
    if gain.sign > 0 and cleared.sign > 0:
        return (
            "The agent learns in context here: from the first trial to the last ones "
            f"trained on it improves {numbers}, and clearing memory hurts."
        )
    improves = gain.choose("it improves", "it gets worse", "an improvement")
    shown = "" if gain.sign else " is not shown"
    by_memory = cleared.choose(
        "clearing memory hurts",
        "clearing memory helps",
        "that clearing memory hurts is not shown",
    )
    return (
        f"That the agent learns in context is not shown here: {improves} from the "
        f"first trial to the last ones trained on{shown} {numbers}, and {by_memory}."
    )


def _named(split: str) -> str:
    """A split's tasks, in words."""
    return NAMES.get(split, split)


def _over(figures: Mapping[str, Any]) -> str:
    """What intervals are over: `3 learners`, or `256 tasks of 1 learner`."""
    learners = count(figures["num_learners"], "learner")
    if figures["over"] == "learners":
        return learners
    return f"{count(figures['num_tasks'], 'task')} of {learners}"


def table(result: Mapping[str, Any]) -> Table:
    """A row per split."""
    every = result["levels"].values()
    whole = any(levels.get("in_task") is not None for levels in every)
    rows = [
        (_named(split), *_row(figures, result["levels"][split], whole),
         figures["worst_decile"])
        for split, figures in result["splits"].items()
    ]  # fmt: skip
    over = " or ".join({_over(figures): 0 for figures in result["splits"].values()})
    return Table(
        ("tasks", *COLUMNS, *(IN_TASK if whole else ()), "worst 10%"),
        rows,
        "Return per trial. Zero-shot: trial 1. Adapted: the last quarter of the trials "
        "trained on. Beyond training: the last quarter of all. Normalised: adapted, "
        "random play 0, the expert 1. Worst 10%: adapted, of the worst tasks. "
        f"{_ABOUT_TASKS if whole else ''}In brackets: 95% intervals over {over}.",
    )


_ABOUT_TASKS = (
    "Expert in the task: experts of the bare bodies, acting through the task's own "
    "lens or on the task's own body. "
)


def control_table(result: Mapping[str, Any], split: str) -> Table:
    """A row per control: what it costs, over learners and over tasks."""
    figures = result["splits"][split]
    tasks = f"{count(figures['num_tasks'], 'task')}, learners averaged"
    several = figures["over"] == "learners"
    rows = [
        (control.replace("_", " "), found["own"], found["with_control"],
         _show(found["loss"]), *([_show(found["loss_over_tasks"])] * several))
        for control, found in figures["controls"].items()
    ]  # fmt: skip
    heads = ("memory", "return as it is", "return so", f"loss, over {_over(figures)}")
    return Table(
        (*heads, *([f"loss, over {tasks}"] * several)),
        rows,
        "What a control costs, compared learner by learner and task by task. Cleared: "
        "at every trial, read in the last quarter of the trials trained on. Swapped: "
        f"with another task's at trial {result['swap_at'] + 1}, read there. Never "
        "reset: begun with another task's, read in all trials trained on.",
    )


def body_table(result: Mapping[str, Any], split: str) -> Table:
    """A row per body; none where all tasks share one."""
    levels = result["levels"][split]["bodies"]
    whole = any(own.get("in_task") is not None for own in levels.values())
    rows = [
        (name, *_row(figures, levels[name], whole))
        for name, figures in result["splits"][split]["bodies"].items()
    ]
    heads = "body", *COLUMNS, *(IN_TASK if whole else ())
    return Table(heads, rows, "Likewise, by body; experts are its own.")


def _row(
    figures: Mapping[str, Any], levels: Mapping[str, Any], whole: bool
) -> tuple[Cell, ...]:
    names = ("zero_shot", "adapted", "gain", "beyond_training")
    estimates = (_show(figures[name]) for name in names)
    known = levels["random"], levels["expert"], figures["normalised_adapted"]
    in_task = levels.get("in_task"), figures["normalised_in_task"]
    return (*estimates, *known, *(in_task if whole else ()))


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


def _show(estimate: list[float | None]) -> str:
    return numbers.interval(*estimate)


def _line(name: str, figures: Mapping[str, Any], levels: Mapping[str, Any]) -> str:
    expert, in_task = levels["expert"], levels.get("in_task")
    return (
        f"{name}: zero-shot {_show(figures['zero_shot'])}, adapted "
        f"{_show(figures['adapted'])}; random {numbers.digits(levels['random'])}, "
        f"expert {'unknown' if expert is None else numbers.digits(expert)}"
        f"{'' if in_task is None else f' ({numbers.digits(in_task)} in the task)'}"
    )


def text(result: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines = []
    for split, figures in result["splits"].items():
        levels = result["levels"][split]
        lines.append(_line(_named(split), figures, levels))
        for name, own in figures["bodies"].items():
            lines.append("  " + _line(name, own, levels["bodies"][name]))
        lines += [f"  {sentence}" for sentence in verdicts(result, split)]
    return "\n".join(lines)


def write(path: Path, result: Mapping[str, Any]) -> None:
    """Draws the adaptation curves, and writes adaptation.csv and report.html."""
    write_csv(path / "adaptation.csv", curves(result))
    sections = [
        Section(
            "What was played",
            paragraphs=[
                f"{result['env']}, core {result['core']} "
                f"({result['num_parameters']:,} parameters, memory "
                f"{result['memory']}): {result['num_trials']} trials on "
                f"{result['tasks']} tasks of each split, trained on "
                f"{result['num_trials_trained']}."
            ],
            tables=[table(result)],
        )
    ]
    for split, figures in result["splits"].items():
        picture = path / f"adaptation_{split}.png"
        plots.adaptation(
            figures["curves"],
            picture,
            title=f"{result['env']} · {result['core']} · {split}",
            trained=result["num_trials_trained"],
            levels=result["levels"][split],
        )
        sections.append(
            Section(
                _named(split).capitalize(),
                paragraphs=verdicts(result, split),
                tables=[
                    control_table(result, split),
                    *([body_table(result, split)] if figures["bodies"] else []),
                ],
                pictures=[
                    Picture(
                        picture,
                        "Return of each trial, with 95% intervals over "
                        f"{_over(figures)}.",
                    )
                ],
            )
        )
    write_report(path / "report.html", f"Transfer of {result['core']}", sections)
