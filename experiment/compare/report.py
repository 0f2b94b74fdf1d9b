"""Writes a comparison: pictures, CSV files and the report that holds them all."""

from collections.abc import Sequence
from pathlib import Path

from experiment import files
from experiment.compare import plots as draw
from experiment.compare import score_tables, tables
from experiment.compare.compared import REPORT, ComparedRun
from experiment.compare.comparison import Scores, scores_of
from experiment.compare.differences import differences, short_differences
from experiment.compare.fairness import how_to_transfer, unfair
from experiment.report.page import (
    Picture,
    Section,
    Table,
    as_text,
    write_csv,
    write_report,
)

_INTERVALS = (
    "In brackets: 95% Student-t intervals over learners (seeds); of a single learner, "
    "over its tasks where there are several. Two runs whose intervals overlap may "
    "still differ, and few seeds say little."
)
_ROBUST = (
    "After Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical "
    "Precipice (2021). The interquartile mean is the mean of the middle half of all "
    "scores (learners x tasks); the optimality gap is how far scores fall short of 1. "
    "In brackets: 95% percentile intervals of 2,000 bootstrap resamples of learners, "
    "each drawn with all its tasks; with few learners they are too narrow."
)


def write(runs: Sequence[ComparedRun], folder: Path) -> str:
    """Writes everything to `folder`.

    Returns:
      What to print: the summary, parameter counts among it, and every warning.
    """
    files.make_folder(folder, f"out={folder} cannot be made")
    every = scores_of(runs)
    overview = tables.short_summary(runs)
    sections = [
        _overview(runs, overview, folder),
        *_settings(runs, folder),
        _learning(runs, folder),
        *_transfer(runs, folder),
        *_differences(runs, folder),
        *_robust(runs, every, folder),
        _files(runs, folder),
    ]
    title = f"Comparison of {', '.join(run.label for run in runs)}"
    write_report(folder / REPORT, title, sections)
    warnings = [f"warning: {sentence}" for sentence in unfair(runs)]
    shown = [as_text(overview)]
    if any(run.tried for run in runs):
        shown.append(as_text(tables.short_settings(runs)))
    return "\n".join([*shown, *warnings, f"written to {folder / REPORT}"])


def _overview(runs: Sequence[ComparedRun], overview: Table, folder: Path) -> Section:
    write_csv(folder / "summary.csv", tables.summary(runs))
    return Section(
        "Outcome and cost",
        [
            f"Environment: {', '.join(sorted({run.config.env.name for run in runs}))}. "
            "Final return is the mean over the last tenth of training. Parameters are "
            f"those of one learner. {_INTERVALS}"
        ],
        warnings=unfair(runs),
        tables=[overview],
        pictures=[
            Picture(draw.costs(runs, folder / "costs.png"), "What each run costs.")
        ],
    )


def _settings(runs: Sequence[ComparedRun], folder: Path) -> list[Section]:
    """None where every run had one."""
    if not any(run.tried for run in runs):
        return []
    full = tables.settings(runs)
    write_csv(folder / "settings.csv", full)
    text = (
        "Of a run with several settings, everything else on this page is of its best: "
        "chosen by the same learners' returns, so it is told a little too well. Fresh "
        "seeds of that setting tell it as it is."
    )
    return [Section("Settings tried", [text], tables=[tables.short_settings(runs)])]


def _learning(runs: Sequence[ComparedRun], folder: Path) -> Section:
    write_csv(folder / "learning_curves.csv", tables.learning_curves(runs))
    picture = Picture(
        draw.learning_curves(runs, folder / "learning_curves.png"),
        "Mean return while training, with its 95% interval over seeds; smoothed over a "
        "fiftieth of the run (learning_curves.csv is not).",
    )
    return Section("Learning", pictures=[picture])


def _transfer(runs: Sequence[ComparedRun], folder: Path) -> list[Section]:
    if not any(run.transfer for run in runs):
        missing = (
            f"None of the runs has a transfer evaluation; {how_to_transfer(runs[0])}"
        )
        return [Section("Transfer", [missing])]
    write_csv(folder / "adaptation.csv", tables.adaptation(runs))
    write_csv(folder / "transfer.csv", tables.transfer(runs))
    shown = tables.short_transfer(runs)
    text = [
        "A meta-episode holds several trials of one hidden task, and memory is kept "
        "between them. A rise over trials that is lost when memory is cleared was "
        "learned in context.",
        *_experts(runs),
    ]
    if tables.has_controls(runs):
        write_csv(folder / "controls.csv", tables.controls(runs))
        shown.append(tables.short_controls(runs))
        text.append(
            "The last table has the memory tampered with while it is played: what that "
            "loses is what memory was worth."
        )
    pictures = [
        Picture(
            draw.adaptation(runs, folder / "adaptation.png"),
            "Return of each trial on the same task, memory kept between trials.",
        ),
        Picture(
            draw.transfer(runs, folder / "transfer.png"),
            "Adapted return with its interval, and the return of trial 1.",
        ),
    ]
    return [Section("Transfer", text, tables=shown, pictures=pictures)]


def _experts(runs: Sequence[ComparedRun]) -> list[str]:
    """Who the expert of each split is, where evaluations say so."""
    named = {
        split: levels.expert_name
        for run in runs
        if run.transfer is not None
        for split, levels in run.transfer.levels.items()
        if levels.expert_name and levels.expert is not None
    }
    if not named:
        return []
    listed = "; ".join(f"{split}: {name}" for split, name in named.items())
    return [f"Experts: {listed}."]


def _differences(runs: Sequence[ComparedRun], folder: Path) -> list[Section]:
    """None where no two runs were trained on the same environment."""
    full = differences(runs)
    if not full.rows:
        return []
    write_csv(folder / "differences.csv", full)
    text = (
        "Learners of two runs are compared by Welch's interval, single ones task by "
        "task where they met the same. Not shown does not mean equal."
    )
    return [Section("Differences", [text], tables=[short_differences(full)])]


def _robust(
    runs: Sequence[ComparedRun], every: Sequence[Scores], folder: Path
) -> list[Section]:
    if not every:
        missing = "No run has a final return in every seed: too few episodes ended."
        return [Section("Robust statistics", [missing])]
    full, odds = score_tables.aggregate(every), score_tables.improvement(every)
    write_csv(folder / "aggregates.csv", full)
    write_csv(folder / "improvement.csv", odds)
    curves = score_tables.profiles(every)
    write_csv(folder / "profiles.csv", curves)
    shown = [score_tables.short_aggregate(full)]
    if odds.rows:
        shown.append(score_tables.short_improvement(odds))
    pictures = [
        Picture(
            draw.interquartile_means(runs, every, full, folder / "iqm.png"),
            "Interquartile means (IQM), with their bootstrap intervals.",
        ),
        Picture(
            draw.profiles(runs, every, curves, folder / "profiles.png"),
            "Performance profiles: the fraction of scores (learners x tasks) above "
            "each threshold.",
        ),
    ]
    return [Section("Robust statistics", [_ROBUST], tables=shown, pictures=pictures)]


def _files(runs: Sequence[ComparedRun], folder: Path) -> Section:
    rows = [
        (
            run.label,
            str(run.folder.path),
            run.transfer.path.name if run.transfer else None,
            run.device,
        )
        for run in runs
    ]
    found = Table(("agent", "run", "transfer evaluation", "device"), rows)
    listed = ", ".join(sorted(path.name for path in folder.glob("*.csv")))
    return Section(
        "Sources", [f"Numbers in full, beside this file: {listed}."], (), [found]
    )
