"""The sections of a comparison's page; each writes its pictures and CSV files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from experiment.compare import details, score_tables, tables
from experiment.compare import plots as draw
from experiment.compare.captions import INTERVALS, ROBUST, drawn_as, timed
from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import Scores
from experiment.compare.differences import short_differences
from experiment.compare.fairness import could_transfer, how_to_transfer, unfair
from experiment.evaluate import words
from experiment.report import panels
from experiment.report.origin import Entry
from experiment.report.page import (
    Picture,
    Section,
    Table,
    write_csv,
)
from experiment.run import manifest


@dataclass(frozen=True)
class Out:
    """Where a comparison is written, and what its figures are drawn as."""

    folder: Path
    figures: Sequence[str]

    def csv(self, name: str, table: Table) -> None:
        write_csv(self.folder / f"{name}.csv", table)

    def picture(
        self, name: str, drawn: Callable[[panels.Size], Any], caption: str
    ) -> Picture:
        path = self.folder / f"{name}.png"
        return Picture(panels.write(drawn, path, self.figures), caption)


def overview(runs: Sequence[ComparedRun], short: Table, out: Out) -> Section:
    """How the runs ended, what they cost, and why they may not compare."""
    out.csv("summary", tables.summary(runs))
    played = sorted({run.config.env.title for run in runs})
    return Section(
        "Outcome and cost",
        [
            f"Environment: {', '.join(played)}. "
            "Final return is the mean over the last tenth of training. Parameters are "
            f"those of one learner. {INTERVALS}"
        ],
        warnings=unfair(runs),
        tables=[short],
        pictures=[
            out.picture("costs", partial(draw.costs, runs), "What each run costs.")
        ],
    )


def different(runs: Sequence[ComparedRun]) -> list[Section]:
    """None of a single run."""
    if len(runs) == 1:
        return []
    found = details.different_settings(runs)
    if not found.rows:
        return [Section("Settings that differ", ["None: the runs were told the same."])]
    return [Section("Settings that differ", tables=[found])]


def settings(runs: Sequence[ComparedRun], out: Out) -> list[Section]:
    """None where every run had one."""
    if not any(run.tried for run in runs):
        return []
    full = details.settings(runs)
    out.csv("settings", full)
    text = (
        "Of a run with several settings, everything else on this page is of its best: "
        "chosen by the same learners' returns, so it is told a little too well. Fresh "
        "seeds of that setting tell it as it is."
    )
    return [Section("Settings tried", [text], tables=[details.short_settings(runs)])]


def learning(runs: Sequence[ComparedRun], out: Out) -> Section:
    """Returns while training."""
    out.csv("learning_curves", tables.learning_curves(runs))
    caption = (
        f"Mean return while training, over environment steps{timed(runs)}. "
        f"{drawn_as(runs)} Smoothed over a fiftieth of the run "
        "(learning_curves.csv is not)."
    )
    drawn = partial(draw.learning_curves, runs)
    return Section(
        "Learning", pictures=[out.picture("learning_curves", drawn, caption)]
    )


def learners(runs: Sequence[ComparedRun], out: Out) -> Section:
    """Every learner by itself."""
    full = details.learners(runs)
    out.csv("learners", full)
    return Section("Learner by learner", tables=[details.short_learners(full)])


def transfer(runs: Sequence[ComparedRun], out: Out) -> list[Section]:
    """How each run adapts, or how to find that out; none where nothing could."""
    if not any(run.transfer for run in runs):
        able = could_transfer(runs)
        if not able:
            return []
        missing = (
            f"None of the runs has a transfer evaluation; {how_to_transfer(able[0])}"
        )
        return [Section("Transfer", [missing])]
    out.csv("adaptation", tables.adaptation(runs))
    out.csv("transfer", tables.transfer(runs))
    shown = tables.short_transfer(runs)
    text = [
        "A meta-episode holds several trials of one hidden task, and memory is kept "
        "between them. A rise over trials that is lost when memory is cleared was "
        "learned in context.",
        *_experts(runs),
    ]
    if tables.has_controls(runs):
        out.csv("controls", tables.controls(runs))
        shown.append(tables.short_controls(runs))
        text.append(
            "The last table has the memory tampered with while it is played: what that "
            "loses is what memory was worth."
        )
    pictures = [
        out.picture(
            "adaptation",
            partial(draw.adaptation, runs),
            "Return of each trial on the same task, memory kept between trials. "
            f"{drawn_as(runs)}",
        ),
        out.picture(
            "transfer",
            partial(draw.transfer, runs),
            "Adapted return with what is around it, and the return of trial 1.",
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
    listed = "; ".join(f"{words.split(split)}: {name}" for split, name in named.items())
    return [f"Experts: {listed}."]


def differences(full: Table, out: Out) -> list[Section]:
    """None where no two runs were trained on the same environment."""
    if not full.rows:
        return []
    out.csv("differences", full)
    text = (
        "Learners of two runs are compared by Welch's interval, single ones task by "
        "task where they met the same. Not shown does not mean equal."
    )
    return [Section("Differences", [text], tables=[short_differences(full)])]


def robust(
    runs: Sequence[ComparedRun], every: Sequence[Scores], out: Out
) -> list[Section]:
    """Aggregates over learners and tasks."""
    if not every:
        missing = "No run has a final return in every seed: too few episodes ended."
        return [Section("Robust statistics", [missing])]
    full, odds = score_tables.aggregate(every), score_tables.improvement(every)
    out.csv("aggregates", full)
    out.csv("improvement", odds)
    curves = score_tables.profiles(every)
    out.csv("profiles", curves)
    shown = [score_tables.short_aggregate(full)]
    if odds.rows:
        shown.append(score_tables.short_improvement(odds))
    pictures = [
        out.picture(
            "iqm",
            partial(draw.interquartile_means, runs, every, full),
            "Interquartile means (IQM), with their bootstrap intervals.",
        ),
        out.picture(
            "profiles",
            partial(draw.profiles, runs, every, curves),
            "Performance profiles: the fraction of scores (learners x tasks) above "
            "each threshold.",
        ),
    ]
    return [Section("Robust statistics", [ROBUST], tables=shown, pictures=pictures)]


def sources(runs: Sequence[ComparedRun], folder: Path) -> Section:
    """Where everything comes from, and where it is in full."""
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
        "Sources",
        [f"Numbers in full, beside this file: {listed}."],
        tables=[found],
    )


def made(runs: Sequence[ComparedRun]) -> dict[str, Sequence[Entry]]:
    """What manifests say of each run, of its evaluation, and of this comparison."""
    made: dict[str, Sequence[Entry]] = {}
    for run in runs:
        made[run.label] = run.starts
        if run.transfer is not None:
            path = run.transfer.path / "manifest.json"
            made[f"{run.label}, transfer"] = manifest.read(path) or []
    return made | {"this comparison": [manifest.entry()]}
