"""Several runs side by side: curves, scores and tables. Nothing is drawn here.

Bands and intervals are 95% intervals over learners (seeds), for learners are what is
independent; where there is one learner, over its tasks. Aggregates follow
`experiment.compare.robust`, and draw whole learners, for each learner plays every task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import envs
from experiment.compare import robust
from experiment.compare.compared import ComparedRun
from experiment.evaluate import words
from experiment.evaluate.trials import SPLITS, Levels, in_order
from experiment.report import plots
from experiment.report.marks import Curve
from experiment.report.statistics import Around, mean_interval, sample

TRAINING = "final_return"  # what returns while training go by, beside the splits
AGGREGATES = ("iqm", "mean", "median", "optimality_gap")


@dataclass(frozen=True)
class Scores:
    """Scores [S, N] of every run that has them, on one scale.

    `normalised`: 0 is random and 1 the expert; otherwise scores are returns.
    """

    name: str  # `TRAINING`, or a split
    normalised: bool
    of: Mapping[str, np.ndarray]

    @property
    def scale(self) -> str:
        """What the axis is called."""
        return "normalised score" if self.normalised else "return"


def over_learners(
    values: np.ndarray, of: Around = mean_interval
) -> tuple[float, float, float]:
    """`(mean, low, high)` of [S, N] over learners; of one learner, over its tasks."""
    return of(sample(values))


def learning_curve(
    run: ComparedRun, *, smooth: bool, of: Around = mean_interval
) -> Curve:
    """Return over environment steps; smoothed for pictures, raw for tables."""
    steps, returns = plots.curves(run.rows)
    if smooth and steps.size:
        returns = np.stack([plots.smoothed(curve) for curve in returns])
    return _curve(steps, [of(column) for column in returns.T])


def seconds_at(run: ComparedRun, steps: np.ndarray) -> np.ndarray | None:
    """Wall clock at each of these environment steps; None where no clock says it."""
    clock = dict(run.clock)
    updates = {row["env_steps"]: row.get("update", -1) for row in run.rows}
    found = [clock.get(updates.get(at, -1), np.nan) for at in steps.tolist()]
    return np.array(found) if found and np.isfinite(found).all() else None


def compiling(runs: Sequence[ComparedRun]) -> dict[str, float]:
    """Seconds of compiling before training began, by label; or nothing.

    Known it must be of every run that has a clock, or they would begin at different
    things. Of a resumed run it is not: summary.json has what its last start compiled,
    and its clock what each did.
    """
    found = {}
    for run in (run for run in runs if run.clock):
        seconds = run.summary.get("compile_seconds")
        if seconds is None or not 0 <= seconds <= run.clock[0][1]:
            return {}
        if len(run.starts) != 1:
            return {}
        found[run.label] = seconds
    return found


def adaptation_curve(returns: np.ndarray, of: Around = mean_interval) -> Curve:
    """Return of trial 1, 2, ... from [S, N, K]."""
    count = returns.shape[2]
    bands = [over_learners(returns[:, :, trial], of) for trial in range(count)]
    return _curve(np.arange(1, count + 1), bands)


def _curve(x: np.ndarray, bands: Sequence[tuple[float, float, float]]) -> Curve:
    return Curve(x, *np.array(bands, np.float64).reshape(-1, 3).T)


def splits_of(runs: Sequence[ComparedRun]) -> list[str]:
    """Every split that some run was evaluated on."""
    found = {split for run in runs if run.transfer for split in run.transfer.splits}
    return in_order(found, SPLITS)


def name_of(scores: str) -> str:
    """What a set of scores is called where people read."""
    return "final return" if scores == TRAINING else words.split(scores)


def levels_of(run: ComparedRun, split: str) -> Levels:
    """Random and expert return on a split, or while training."""
    if split == TRAINING:
        known = envs.levels(run.config.env.name, run.config.env.params)
        return Levels(known.chance, known.best, "best")
    found = run.transfer.levels if run.transfer else {}
    return found.get(split, Levels())


def scores_of(runs: Sequence[ComparedRun]) -> list[Scores]:
    """Final returns, then adapted returns of each split; normalised if all can be."""
    found = []
    for name in (TRAINING, *splits_of(runs)):
        raw = {
            run.label: (run, values)
            for run in runs
            if (values := _returns(run, name)) is not None
        }
        scaled = {
            label: levels_of(run, name).normalise(values)
            for label, (run, values) in raw.items()
        }
        whole = {label: x for label, x in scaled.items() if x is not None}
        if raw and len(whole) == len(raw):
            found.append(Scores(name, True, whole))
        elif raw:
            returns = {label: values for label, (_, values) in raw.items()}
            found.append(Scores(name, False, returns))
    return found


def _returns(run: ComparedRun, name: str) -> np.ndarray | None:
    """[S, N], or None where there are none."""
    if name == TRAINING:
        per_seed = run.summary["final_return_per_seed"]
        return None if None in per_seed else np.array(per_seed, float)[:, None]
    if run.transfer is None or name not in run.transfer.splits:
        return None
    return run.transfer.adapted(name)


def profile(scores: np.ndarray, taus: np.ndarray) -> Curve:
    """Performance profile of [S, N], with its band.

    All learners play equally many tasks, so the profile of all scores is the mean of
    the learners' profiles, and those are what is drawn anew.
    """
    own = robust.performance_profile(scores[:, None, :], taus)  # [S, K]
    found = robust.bootstrap(own, lambda drawn: drawn.mean(-2), joint=True)
    return Curve(taus, found.value, found.low, found.high)


def thresholds(scores: Scores, count: int = 201) -> np.ndarray:
    """From just below every score to the highest one: profiles fall from 1 to 0."""
    low = min(values.min() for values in scores.of.values())
    high = max(values.max() for values in scores.of.values())
    margin = 0.02 * (high - low or 1)
    return np.linspace(low - margin, high + margin, count)


def aggregates(scores: np.ndarray) -> dict[str, tuple[float, float, float]]:
    """`(value, low, high)` of every aggregate of [S, N], from the same resamples."""

    def every(drawn: np.ndarray) -> np.ndarray:
        return np.stack(
            [
                robust.interquartile_mean(drawn),
                robust.mean(drawn),
                robust.median(drawn),
                robust.optimality_gap(drawn),
            ],
            axis=-1,
        )

    found = robust.bootstrap(scores, every, joint=True)
    columns = zip(found.value, found.low, found.high, strict=True)
    return {
        name: (float(value), float(low), float(high))
        for name, (value, low, high) in zip(AGGREGATES, columns, strict=True)
    }
