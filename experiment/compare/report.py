"""Writes a comparison: pictures, CSV files and the report that holds them all."""

from collections.abc import Sequence
from pathlib import Path

from experiment import files
from experiment.compare import details, sections, tables
from experiment.compare.compared import REPORT, ComparedRun
from experiment.compare.comparison import scores_of
from experiment.compare.differences import differences
from experiment.compare.fairness import unfair
from experiment.compare.findings import findings
from experiment.report.origin import origin
from experiment.report.page import as_text, write_report

_LETTERS = 100  # of a title


def write(
    runs: Sequence[ComparedRun], folder: Path, figures: Sequence[str] = ()
) -> str:
    """Writes everything to `folder`; a single run's report is a comparison of one.

    Args:
      runs: to compare.
      folder: that is written into.
      figures: what pictures are drawn as beside PNG, "svg" or "pdf".

    Returns:
      What to print: the summary, parameter counts among it, and every warning.
    """
    files.make_folder(folder, f"out={folder} cannot be made")
    out, every, full = sections.Out(folder, figures), scores_of(runs), differences(runs)
    overview = tables.short_summary(runs)
    parts = [
        sections.overview(runs, overview, out),
        *sections.different(runs),
        *sections.settings(runs, out),
        sections.learning(runs, out),
        sections.learners(runs, out),
        *sections.transfer(runs, out),
        *sections.differences(full, out),
        *sections.robust(runs, every, out),
        sections.sources(runs, folder),
        origin(sections.made(runs)),
    ]
    title = _title(runs)
    found = findings(runs, full)
    write_report(folder / REPORT, title, parts, findings=found)
    warnings = [f"warning: {sentence}" for sentence in unfair(runs)]
    shown = [as_text(overview)]
    if any(run.tried for run in runs):
        shown.append(as_text(details.short_settings(runs)))
    return "\n".join([*shown, *warnings, f"written to {folder / REPORT}"])


def _title(runs: Sequence[ComparedRun]) -> str:
    if len(runs) == 1:
        return f"{runs[0].label} on {runs[0].config.env.title}"
    names = ", ".join(run.label for run in runs)
    return f"Comparison of {names if len(names) < _LETTERS else f'{len(runs)} runs'}"
