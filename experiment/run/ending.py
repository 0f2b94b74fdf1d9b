"""What a run leaves when it ends: summary.json, what came of its settings, a curve."""

from collections.abc import Mapping, Sequence
from typing import Any

import envs
from experiment.run import outcome
from experiment.run.learners import Learners
from experiment.run.metrics import Row
from experiment.run.run_folder import RunFolder
from experiment.setup.config import RunConfig

UNITS = {
    "env_steps": "environment steps of each learner",
    "steps_per_second": "environment steps of all learners together, of this start",
    "wall_seconds": "of this start; clock.csv has those of all starts",
}


def write(
    config: RunConfig,
    folder: RunFolder,
    rows: Sequence[Row],
    sick: Sequence[int],
    costs: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Draws the curve; of a run that is complete, writes and says what came out.

    Args:
      config: of the run.
      folder: that is written into.
      rows: of metrics.csv.
      sick: numbers of the learners that diverged.
      costs: seconds, speed, size; None where the run has not come to its end.

    Returns:
      What summary.json holds, or would hold.
    """
    found = outcome.summarise(rows, config, sick) if rows else {}
    if costs is not None:
        found = {**found, **costs, "units": UNITS}
        folder.write_summary(found)
        seconds = costs["wall_seconds"]
        print(f"final_return {found['final_return']} in {seconds:.1f} s")
        _show_settings(found, config, folder)
    _draw(rows, found, config, folder)
    return found


def _show_settings(
    summary: Mapping[str, Any], config: RunConfig, folder: RunFolder
) -> None:
    """Which settings came out how, of a run that has some."""
    if not config.sweep:
        return
    from experiment.report import settings as report  # at the end: SciPy, matplotlib

    outcomes = summary[outcome.SETTINGS]
    bands, order = report.bands(outcomes), outcome.ranked(outcomes)
    print("\n".join(report.lines(config.sweep, bands, order)))
    report.table(config.sweep, bands, order, folder.path / report.TABLE)
    picture = folder.path / report.PICTURE
    report.picture(config.sweep, bands, picture, title=_title(config))


def _title(config: RunConfig) -> str:
    return f"{config.env.title} · {config.core.name} · {config.agent.name}"


def _draw(
    rows: Sequence[Row], found: Mapping[str, Any], config: RunConfig, folder: RunFolder
) -> None:
    from experiment.report import plots  # at the end: SciPy takes a second

    title = _title(config)
    if config.sweep and rows:
        best = found[outcome.BEST]
        rows = Learners.of(config).rows_of(best, rows)
        title += f" · setting {best}, the best of {len(config.sweep.settings)}"
    plots.learning_curve(
        rows,
        folder.learning_curve,
        title=title,
        levels=envs.levels(config.env.name, config.env.params)._asdict(),
    )
