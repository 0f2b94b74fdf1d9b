"""What a transfer evaluation says: figures, words, pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiment.report import plots
from experiment.report.page import (
    Cell,
    Picture,
    Section,
    Table,
    show_interval,
    write_csv,
    write_report,
)

# What each control does, and over which trials it is read.
MEANING = {
    "cleared": "memory cleared at every trial",
    "swapped": "memory of another task at one trial",
    "never_reset": "memory of another task at the start, never cleared",
}
COLUMNS = ("zero-shot", "adapted", "gain", "beyond training", "random", "expert",
           "normalised")  # fmt: skip


def verdicts(result: Mapping[str, Any], split: str) -> list[str]:
    """The controls of one split, in words."""
    figures = result["splits"][split]
    said = []
    for control, found in figures["controls"].items():
        mean, low, high = found["loss"]
        numbers = (
            f"{found['own']:.3g} becomes {found['with_control']:.3g}, a loss of "
            f"{mean:.3g} [{low:.3g}, {high:.3g}] over tasks"
        )
        if found["hurts"]:
            said.append(f"{MEANING[control]}: it hurts; {numbers}.")
        else:
            said.append(f"{MEANING[control]}: it does not hurt; {numbers}.")
    learns = figures["controls"]["cleared"]["hurts"]
    gain = figures["gain"]
    improves = gain[1] is not None and gain[1] > 0
    if learns and improves:
        said.append("The agent learns in context here: it improves, and by memory.")
    elif not learns:
        said.append(
            "The agent does not learn in context here: without its memory of earlier "
            "trials it does as well."
        )
    else:
        said.append(
            "Memory of earlier trials helps, but an improvement from the first trial "
            "to the last ones is not shown."
        )
    return said


def table(result: Mapping[str, Any]) -> Table:
    """A row per split."""
    rows = [
        (split, *_row(figures, result["levels"][split]), figures["worst_decile"])
        for split, figures in result["splits"].items()
    ]
    return Table(
        ("split", *COLUMNS, "worst 10%"),
        rows,
        "Return per trial. Zero-shot: trial 1. Adapted: the last quarter of the trials "
        "trained on. Beyond training: the last quarter of all. Normalised: adapted, "
        "random play 0, the expert 1. Worst 10%: adapted, of the worst tasks.",
    )


def body_table(result: Mapping[str, Any], split: str) -> Table:
    """A row per body; none where all tasks share one."""
    levels = result["levels"][split]["bodies"]
    rows = [
        (name, *_row(figures, levels[name]))
        for name, figures in result["splits"][split]["bodies"].items()
    ]
    return Table(("body", *COLUMNS), rows, "Likewise, by body; experts are its own.")


def _row(figures: Mapping[str, Any], levels: Mapping[str, Any]) -> tuple[Cell, ...]:
    names = ("zero_shot", "adapted", "gain", "beyond_training")
    estimates = (_show(figures[name]) for name in names)
    known = levels["random"], levels["expert"], figures["normalised_adapted"]
    return (*estimates, *known)


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
    mean, low, high = estimate
    if mean is None or low is None or high is None:
        return "" if mean is None else f"{mean:.3g}"
    return show_interval(mean, low, high)


def _line(name: str, figures: Mapping[str, Any], levels: Mapping[str, Any]) -> str:
    expert = levels["expert"]
    return (
        f"{name}: zero-shot {_show(figures['zero_shot'])}, adapted "
        f"{_show(figures['adapted'])}; random {levels['random']:.3g}, expert "
        f"{'unknown' if expert is None else f'{expert:.3g}'}"
    )


def text(result: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines = []
    for split, figures in result["splits"].items():
        levels = result["levels"][split]
        lines.append(_line(split, figures, levels))
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
                split,
                paragraphs=verdicts(result, split),
                tables=[body_table(result, split)] if figures["bodies"] else [],
                pictures=[
                    Picture(picture, "Return of each trial, with 95% intervals.")
                ],
            )
        )
    write_report(path / "report.html", f"Transfer of {result['core']}", sections)
