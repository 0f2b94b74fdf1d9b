"""What a transfer evaluation says: figures, words, pictures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiment import plots
from experiment.report import Picture, Section, Table, show_interval, write_report
from experiment.statistics import mean_interval

# What each control does, and over which trials it is read.
MEANING = {
    "cleared": "memory cleared at every trial",
    "swapped": "memory of another task at one trial",
    "never_reset": "memory of another task at the start, never cleared",
}
Played = Mapping[str, Mapping[str, np.ndarray]]  # split, control: [2, S, N, K]


def adapted_trials(trained: int) -> slice:
    """Where adaptation is read: the last quarter of the trials trained on."""
    return slice(3 * trained // 4, trained)


def summarise(played: Played, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of every split.

    Args:
      played: returns and lengths, [2, S, N, K], by split and control.
      facts: the rest of result.json.
    """
    return {
        split: _split(
            {control: both[0] for control, both in controls.items()},
            facts,
            facts["levels"][split],
        )
        for split, controls in played.items()
    }


def _split(
    returns: Mapping[str, np.ndarray], facts: Mapping[str, Any], levels: Any
) -> dict[str, Any]:
    trained, swap_at = facts["num_trials_trained"], facts["swap_at"]
    late = adapted_trials(trained)
    own = returns["none"]
    count = own.shape[2]
    adapted = own[:, :, late]
    by_task = np.sort(adapted.mean((0, 2)))
    figures = {
        "zero_shot": _estimate(own[:, :, 0]),
        "adapted": _estimate(adapted.mean(2)),
        "beyond_training": _estimate(own[:, :, count - max(1, count // 4) :].mean(2)),
        "gain": _estimate(adapted.mean(2) - own[:, :, 0]),
        "worst_decile": float(by_task[: max(1, len(by_task) // 10)].mean()),
        "normalised_adapted": _normalised(adapted.mean(), levels),
        "normalised_zero_shot": _normalised(own[:, :, 0].mean(), levels),
    }
    read_over = {
        "cleared": late,
        "swapped": slice(swap_at, swap_at + 1),
        "never_reset": slice(0, trained),
    }
    controls = {
        control: _harm(own[:, :, trials], returns[control][:, :, trials])
        for control, trials in read_over.items()
    }
    curves = {
        control: [_estimate(values[:, :, k]) for k in range(count)]
        for control, values in returns.items()
    }
    return figures | {"controls": controls, "curves": curves}


def _estimate(values: np.ndarray) -> list[float | None]:
    """Mean and 95% interval of [S, N]: over learners, or over tasks of a single one."""
    sample = values.mean(1) if len(values) > 1 else values[0]
    return [None if np.isnan(x) else float(x) for x in mean_interval(sample)]


def _harm(own: np.ndarray, control: np.ndarray) -> dict[str, Any]:
    """What a control costs, task by task: both saw the same tasks."""
    paired = (own - control).mean((0, 2))
    mean, low, high = mean_interval(paired)
    return {
        "own": float(own.mean()),
        "with_control": float(control.mean()),
        "loss": [mean, low, high],
        "hurts": bool(low > 0),
    }


def _normalised(value: float, levels: Mapping[str, Any]) -> float | None:
    if levels["expert"] is None or levels["expert"] == levels["random"]:
        return None
    return float((value - levels["random"]) / (levels["expert"] - levels["random"]))


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
    columns = ("split", "zero-shot", "adapted", "gain", "beyond training", "worst 10%",
               "random", "expert", "normalised")  # fmt: skip
    rows = []
    for split, figures in result["splits"].items():
        levels = result["levels"][split]
        names = ("zero_shot", "adapted", "gain", "beyond_training")
        estimates = [_show(figures[name]) for name in names]
        rows.append(
            (split, *estimates, figures["worst_decile"], levels["random"],
             levels["expert"], figures["normalised_adapted"])
        )  # fmt: skip
    return Table(
        columns,
        rows,
        "Return per trial. Zero-shot: trial 1. Adapted: the last quarter of the trials "
        "trained on. Beyond training: the last quarter of all. Worst 10%: adapted, of "
        "the tasks it did worst on. Normalised: adapted, random play 0, the expert 1.",
    )


def _show(estimate: list[float | None]) -> str:
    mean, low, high = estimate
    if mean is None or low is None or high is None:
        return "" if mean is None else f"{mean:.3g}"
    return show_interval(mean, low, high)


def text(result: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines = []
    for split, figures in result["splits"].items():
        levels = result["levels"][split]
        expert = "none" if levels["expert"] is None else f"{levels['expert']:.3g}"
        lines.append(
            f"{split}: zero-shot {_show(figures['zero_shot'])}, adapted "
            f"{_show(figures['adapted'])}; random {levels['random']:.3g}, "
            f"expert {expert}"
        )
        lines += [f"  {sentence}" for sentence in verdicts(result, split)]
    return "\n".join(lines)


def write(path: Path, result: Mapping[str, Any], played: Played) -> None:
    """Draws the adaptation curves, and writes report.html."""
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
                pictures=[
                    Picture(picture, "Return of each trial, with 95% intervals.")
                ],
            )
        )
    write_report(path / "report.html", f"Transfer of {result['core']}", sections)
