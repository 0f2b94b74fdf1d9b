"""What a transfer evaluation says: on a terminal, and on a page with its pictures."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from experiment.evaluate import transfer_tables as tables
from experiment.evaluate import words
from experiment.evaluate.transfer_words import finding, over, verdicts
from experiment.report import numbers, panels, plots
from experiment.report.origin import Entry, origin
from experiment.report.page import Picture, Section, write_csv, write_report
from experiment.report.statistics import SPREAD

Curves = dict[str, list[tuple[float | None, ...]]]


def text(result: Mapping[str, Any]) -> str:
    """For a terminal."""
    lines = []
    for split, figures in result["splits"].items():
        levels = result["levels"][split]
        lines.append(_line(words.split(split), figures, levels))
        for name, own in figures["bodies"].items():
            lines.append("  " + _line(name, own, levels["bodies"][name]))
        lines += [f"  {sentence}" for sentence in verdicts(result, split)]
    return "\n".join(lines)


def _line(name: str, figures: Mapping[str, Any], levels: Mapping[str, Any]) -> str:
    expert, in_task = levels["expert"], levels.get("in_task")
    return (
        f"{name}: zero-shot {tables.shown(figures, 'zero_shot')}, adapted "
        f"{tables.shown(figures, 'adapted')}; random "
        f"{numbers.digits(levels['random'])}, expert "
        f"{'unknown' if expert is None else numbers.digits(expert)}"
        f"{'' if in_task is None else f' ({numbers.digits(in_task)} in the task)'}"
    )


def write(
    path: Path,
    result: Mapping[str, Any],
    *,
    made: Mapping[str, Sequence[Entry]],
    figures: Sequence[str] = (),
) -> None:
    """Draws the adaptation curves, and writes adaptation.csv and report.html.

    Args:
      path: the folder.
      result: as in result.json.
      made: of the run and of the evaluation, what its manifest says of each start.
      figures: what the curves are drawn as besides, "svg" or "pdf".
    """
    write_csv(path / "adaptation.csv", tables.curves(result))
    drawn = {split: _drawn(of) for split, of in result["splits"].items()}
    levels = result["levels"]
    limits = plots.adaptation_limits(
        list(drawn.values()), [levels[split] for split in drawn]
    )
    sections = [
        Section("What was played", [_played(result)], tables=[tables.table(result)])
    ]
    for split, curves in drawn.items():
        draw = partial(
            plots.adaptation,
            curves,
            title=f"{result['env']} · {result['core']} · {words.split(split)}",
            trained=result["num_trials_trained"],
            levels=levels[split],
            limits=limits,
        )
        picture = panels.write(draw, path / f"adaptation_{split}.png", figures)
        sections.append(_section(result, split, picture))
    learners = tables.learner_table(result)
    sections += [Section("Learner by learner", tables=[learners]), origin(made)]
    title = f"Transfer of {result['core']} on {result['env']}"
    found = [finding(result, split) for split in result["splits"]]
    write_report(path / "report.html", title, sections, findings=found)


def _played(result: Mapping[str, Any]) -> str:
    return (
        f"{result['env']}, core {result['core']} ({result['num_parameters']:,} "
        f"parameters, memory {result['memory']}): {result['num_trials']} trials on "
        f"{result['tasks']} tasks of each split, trained on "
        f"{result['num_trials_trained']}."
    )


def _drawn(figures: Mapping[str, Any]) -> Curves:
    """Means with what is drawn around them, by what is done to memory, in words."""
    return {
        words.control(control): [
            (mean, *around)
            for (mean, *_), around in zip(
                curve, figures["spreads"][control], strict=True
            )
        ]
        for control, curve in figures["curves"].items()
    }


def _section(result: Mapping[str, Any], split: str, picture: Path) -> Section:
    figures = result["splits"][split]
    caption = (
        "Return of each trial. Band and whiskers are over "
        f"{over(figures)}: {SPREAD}. All splits share one axis."
    )
    bodies = [tables.body_table(result, split)] if figures["bodies"] else []
    return Section(
        words.split(split).capitalize(),
        tables=[tables.control_table(result, split), *bodies],
        pictures=[Picture(picture, caption)],
    )
