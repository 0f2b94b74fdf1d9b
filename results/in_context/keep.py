"""Copies what is kept of a run and of its newest transfer evaluation.

python -m results.in_context.keep runs/dark_s5 results/in_context/dark_room_s5
python -m results.in_context.keep RUN TO transfer-20261127-121028-717641  # an older one

Numbers are shortened to six digits. The trials are megabytes and stay where they are.
"""

import csv
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from experiment import files
from experiment.run import clock

COPIED = ("learners.csv", "tasks.csv", "adaptation_held_out.png")


def keep(run: Path, to: Path, which: Path | None = None) -> None:
    """Replaces what is kept in `to`; `which` names an evaluation, or it is the newest.

    A run's folder has them by time.
    """
    done = sorted(run.glob("evaluations/transfer-*/result.json"))
    named = [path for path in done if which is None or path.parent.name == which.name]
    evaluation = named[-1].parent
    to.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        shutil.copy(evaluation / name, to / name)
    if (evaluation / "adaptation_bodies.png").exists():
        shutil.copy(evaluation / "adaptation_bodies.png", to)
    shutil.copy(run / "learning_curve.png", to)
    with (evaluation / "adaptation.csv").open(newline="") as file:
        rows = [[shortened(cell) for cell in row] for row in csv.reader(file)]
    files.write_csv(to / "adaptation.csv", rows)
    result = json.loads((evaluation / "result.json").read_text())
    for figures in result["splits"].values():
        for known in ("curves", "spreads"):  # adaptation.csv has them, or learners.csv
            figures.pop(known, None)
    for levels in result["levels"].values():
        del levels["expert_per_trial"]  # likewise
    result["training"] = training(run)
    text = json.dumps(rounded(result), indent=1)
    (to / "result.json").write_text(text + "\n")


def training(run: Path) -> dict[str, Any]:
    """What training took and gave; seconds are those of all starts of the run."""
    told = json.loads((run / "summary.json").read_text())
    points = clock.read(run / "clock.csv")
    if points:
        told["wall_seconds"] = max(told["wall_seconds"], points[-1][1])
        told["units"]["wall_seconds"] = "of all starts"
    return told


def shortened(cell: str) -> str:
    """Six digits of what is a number."""
    try:
        return f"{float(cell):.6g}"
    except ValueError:
        return cell


def rounded(value: Any) -> Any:
    """Six digits of every float in JSON."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(x) for key, x in value.items()}
    return [rounded(x) for x in value] if isinstance(value, list) else value


if __name__ == "__main__":
    keep(*map(Path, sys.argv[1:]))
