"""Regret over a meta-episode, of what is kept of a transfer evaluation.

python -m results.agents.regret results/agents/imitate/meta_bandit_drawn ...

The most that can be earned on the tasks that were played, less what learners earn in
the trials that they were trained on; and the same of the adaptive expert.
"""

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from experiment.report.statistics import mean_interval


def regrets(path: Path, split: str) -> tuple[list[float], float]:
    """Of each learner, and of the adaptive expert, over the trials trained on."""
    result = json.loads((path / "result.json").read_text())
    trained = result["num_trials_trained"]
    earned: dict[str, float] = {}
    with (path / "learners.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            mine = row["split"], row["control"], row["body"]
            if mine == (split, "none", "all") and int(row["trial"]) <= trained:
                learner = row["learner"]
                earned[learner] = earned.get(learner, 0.0) + float(row["return"])
    best = trained * result["levels"][split]["best"]
    with (path / "adaptation.csv").open(newline="") as file:
        expert = sum(
            float(row["return"])
            for row in csv.DictReader(file)
            if (row["split"], row["control"]) == (split, "expert")
            and int(row["trial"]) <= trained
        )
    return [best - value for value in earned.values()], best - expert


def main(folders: Sequence[str]) -> None:
    """Prints a line for each folder and split."""
    for folder in folders:
        for split in ("train", "held_out", "shifted"):
            learners, expert = regrets(Path(folder), split)
            mean, low, high = mean_interval(learners)
            each = ", ".join(f"{value:.1f}" for value in learners)
            print(
                f"{Path(folder).name} {split}: {mean:.1f} [{low:.1f}, {high:.1f}] "
                f"({each}); {expert:.1f} of the expert"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
