"""Statistics for a handful of runs, and how sure one can be of them.

The definitions are those of Agarwal et al., "Deep Reinforcement Learning at the Edge of
the Statistical Precipice" (NeurIPS 2021). Scores are arrays [S, N]: S independent
learners (the paper's runs) on N tasks. Every statistic also takes leading axes,
[..., S, N] -> [...], so that thousands of resamples are computed at once.

What is resampled is what is independent. With one learner per score, as on the paper's
benchmarks, learners are drawn anew within each task ("stratified"). A learner that
plays all N tasks brings its luck to all of them; then `joint` draws whole learners, and
the interval is as wide as it should be.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

Statistic = Callable[[np.ndarray], np.ndarray]  # [..., S, N] -> [...]
_CHUNK = 2_000_000  # scores resampled at once: 16 MB


@dataclass(frozen=True)
class Estimate:
    """A statistic and its percentile interval; NaN where there is one learner."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def interquartile_mean(scores: np.ndarray) -> np.ndarray:
    """Mean of the middle half of all S x N scores.

    A quarter of the scores, rounded down, is cut from each end.
    """
    scores = np.asarray(scores, np.float64)
    flat = scores.reshape(*scores.shape[:-2], -1)
    return stats.trim_mean(flat, 0.25, axis=-1)


def mean(scores: np.ndarray) -> np.ndarray:
    """Mean of all scores."""
    return np.mean(scores, axis=(-2, -1))


def median(scores: np.ndarray) -> np.ndarray:
    """Median over tasks of the mean over learners."""
    return np.median(np.mean(scores, axis=-2), axis=-1)


def optimality_gap(scores: np.ndarray, *, gamma: float = 1.0) -> np.ndarray:
    """How far the scores fall short of `gamma` on average; more than it is no bonus."""
    return gamma - np.mean(np.minimum(scores, gamma), axis=(-2, -1))


def performance_profile(scores: np.ndarray, taus: np.ndarray) -> np.ndarray:
    """Fraction of the S x N scores above each threshold (the run-score distribution).

    Args:
      scores: [..., S, N].
      taus: [K] thresholds.

    Returns:
      [..., K], falling from 1 to 0 as thresholds rise.
    """
    scores = np.asarray(scores, np.float64)
    above = [np.mean(scores > tau, axis=(-2, -1)) for tau in taus]
    return np.stack(above, axis=-1)


def improvement(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Probability that a learner of `ours` beats one of `theirs` on a task.

    The Mann-Whitney statistic of each task, over its largest value, averaged over
    tasks; a tie counts half.

    Args:
      ours: [..., S, N].
      theirs: [..., R, N], of the same tasks.
    """
    return np.mean(_wins(ours, theirs), axis=(-3, -2, -1))


def bootstrap(
    scores: np.ndarray,
    statistic: Statistic,
    *,
    joint: bool = False,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Percentile interval of a statistic, from learners drawn anew with replacement.

    Args:
      scores: [S, N].
      statistic: [..., S, N] -> [...] or [..., K].
      joint: draw whole learners, instead of learners within each task.
      confidence: of the interval.
      resamples: how many times learners are drawn.
      seed: of the draws; equal seeds give equal intervals.
    """
    scores = _checked(scores)
    rng = np.random.default_rng(seed)
    chunks = [
        statistic(_resample(scores, count, joint, rng))
        for count in _chunks(resamples, scores.size)
    ]
    return _estimate(statistic(scores), np.concatenate(chunks), confidence, len(scores))


def bootstrap_improvement(
    ours: np.ndarray,
    theirs: np.ndarray,
    *,
    joint: bool = False,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """`improvement` with its percentile interval; arguments as for `bootstrap`.

    Raises:
      ValueError: if the two were not scored on the same number of tasks.
    """
    ours, theirs = _checked(ours), _checked(theirs)
    if ours.shape[1] != theirs.shape[1]:
        raise ValueError(
            "both must be scored on the same tasks; got "
            f"{ours.shape[1]} and {theirs.shape[1]} tasks."
        )
    wins = _wins(ours, theirs)
    if joint:  # tasks share the draw, so their mean may be taken before it
        wins = wins.mean(-1, keepdims=True)
    rows, columns, tasks = wins.shape
    rng = np.random.default_rng(seed)
    chunks = []
    for count in _chunks(resamples, wins.size):
        row = rng.integers(rows, size=(count, rows, 1, tasks))
        column = rng.integers(columns, size=(count, 1, columns, tasks))
        drawn = wins[row, column, np.arange(tasks)]
        chunks.append(drawn.mean((-3, -2, -1)))
    value, fewest = improvement(ours, theirs), min(rows, columns)
    return _estimate(value, np.concatenate(chunks), confidence, fewest)


def _wins(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """[..., S, N] against [..., R, N] -> [..., S, R, N]: 1 better, 0.5 equal, 0."""
    difference = np.asarray(ours)[..., :, None, :] - np.asarray(theirs)[..., None, :, :]
    return (difference > 0) + 0.5 * (difference == 0)


def _checked(scores: np.ndarray) -> np.ndarray:
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 2 or not scores.size:
        raise ValueError(f"scores must be [learners, tasks]; got {scores.shape}.")
    return scores


def _chunks(resamples: int, size: int) -> list[int]:
    """Counts that sum to `resamples`, each small enough for memory."""
    most = max(1, _CHUNK // size)
    whole, rest = divmod(resamples, most)
    return [most] * whole + [rest] * (rest > 0)


def _resample(
    scores: np.ndarray, count: int, joint: bool, rng: np.random.Generator
) -> np.ndarray:
    """[S, N] -> [count, S, N]."""
    learners, tasks = scores.shape
    columns = 1 if joint else tasks
    index = rng.integers(learners, size=(count, learners, columns))
    return scores[index, np.arange(tasks)]


def _estimate(
    value: np.ndarray, resampled: np.ndarray, confidence: float, learners: int
) -> Estimate:
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    if learners < 2:  # one learner drawn anew is the same one: no interval, not zero
        low, high = np.full_like(low, np.nan), np.full_like(high, np.nan)
    return Estimate(value, low, high)
