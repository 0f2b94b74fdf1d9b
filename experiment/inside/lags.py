"""Recall density: how much decisions hang on what was observed so many steps before.

    density[k] ~ mean of g[t, t - k] over decisions t, their steps and episodes

of `agents.acting.recall`'s g, made to add up to 1 over lags (after POPGym Arcade: Wang
et al., 2025). Pairs of a decision and an observation of the same episode count, and
each lag is a mean over its own pairs: long ones have fewer.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiment.inside.played import Played

DECISIONS = 128  # of an episode that are differentiated, about
EPISODES = 32


class Lags(NamedTuple):
    """Of one learner."""

    density: np.ndarray  # [K] over lags; zeros where nothing was hung on
    pairs: np.ndarray  # [K] how many each is a mean of
    decisions: np.ndarray  # [Q] steps
    map: np.ndarray  # [Q, T] mean of g over episodes; NaN of what is in none

    @property
    def median(self) -> int:
        """Half of the density lies at lags up to this."""
        return int((np.cumsum(self.density) >= 0.5).argmax())


def lags(recall: Callable[[Any, Any], Any], played: Played) -> Lags:
    """Differentiates decisions of some of the episodes.

    Args:
      recall: `(recording, steps [Q]) -> [Q, T, N]`, of a learner.
      played: what it played.
    """
    length = len(played.inside)
    few = slice(0, EPISODES)
    count = min(DECISIONS, length)
    steps = np.unique(np.linspace(0, length - 1, count).round().astype(np.int32))
    recording = played.recording
    few_of = recording._replace(
        hidden=recording.hidden[few],
        **{
            name: jax.tree.map(lambda x: x[:, few], getattr(recording, name))
            for name in ("obs", "reset", "action")
        },
    )
    sizes = recall(few_of, jnp.asarray(steps))
    return by_lag(np.asarray(sizes, np.float64), steps, played.inside[:, few])


def by_lag(sizes: np.ndarray, steps: np.ndarray, inside: np.ndarray) -> Lags:
    """Means over pairs of equal lag.

    Args:
      sizes: [Q, T, N] of gradients.
      steps: [Q] of the decisions.
      inside: [T, N] bool, steps of the first episode.
    """
    length = len(inside)
    lag = steps[:, None] - np.arange(length)[None]  # [Q, T]
    counts = inside[steps][:, None] & (lag >= 0)[..., None]
    kept = np.where(counts, sizes, 0)
    total, pairs = np.zeros(length), np.zeros(length)
    past = lag >= 0
    np.add.at(total, lag[past], kept.sum(2)[past])
    np.add.at(pairs, lag[past], counts.sum(2)[past])
    mean = total / np.maximum(pairs, 1)
    whole = mean.sum()
    number = counts.sum(2)
    cells = np.where(number > 0, kept.sum(2) / np.maximum(number, 1), np.nan)
    density = mean / whole if whole > 0 else mean
    return Lags(density, pairs.astype(int), steps, cells)
