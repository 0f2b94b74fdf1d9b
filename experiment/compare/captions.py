"""What a comparison's page says beside its tables and pictures."""

from collections.abc import Sequence

from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import compiling
from experiment.report.numbers import digits
from experiment.report.statistics import SPREAD

INTERVALS = (
    f"In brackets, and drawn, over learners: {SPREAD}. Of a single learner, over its "
    "tasks, where there are several. Claims, differences and CSV files keep to 95% "
    "intervals."
)
ROBUST = (
    "After Agarwal et al., Deep Reinforcement Learning at the Edge of the Statistical "
    "Precipice (2021). The interquartile mean is the mean of the middle half of all "
    "scores (learners x tasks); the optimality gap is how far scores fall short of 1. "
    "In brackets: 95% percentile intervals of 2,000 bootstrap resamples of learners, "
    "each drawn with all its tasks; with few learners they are too narrow."
)


def timed(runs: Sequence[ComparedRun]) -> str:
    """Which seconds returns are drawn over, where clock.csv says them."""
    if not any(run.clock for run in runs):
        return ""
    before = compiling(runs)
    if not before:
        return (
            " and over wall clock, compiling included (a run was resumed, or does not "
            "say how long it compiled)"
        )
    listed = ", ".join(f"{label} {digits(spent)} s" for label, spent in before.items())
    return f" and over seconds of training, which began after compiling ({listed})"


def drawn_as(runs: Sequence[ComparedRun]) -> str:
    """What stands around a line."""
    return f"{'Band' if len(runs) == 1 else 'Whiskers'} over learners: {SPREAD}."
