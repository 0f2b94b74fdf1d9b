"""What was found as numbers: CSV files, and the few that stand in result.json."""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from experiment.inside.found import Looked
from experiment.report.page import Table, write_csv
from experiment.report.statistics import known, mean_interval

STATES, READOUT, RECALL = "states.csv", "readout.csv", "recall.csv"
MEAN = "mean"  # what `learner` says of the mean over learners


def write(place: Path, looked: Sequence[Looked]) -> None:
    """Writes the three files; the first two only where there is something to say."""
    if any(layer for one in looked for layer in one.layers):
        write_csv(place / STATES, states(looked))
    if looked[0].readout is not None:
        write_csv(place / READOUT, readout(looked))
    write_csv(place / RECALL, recall(looked))


def states(looked: Sequence[Looked]) -> Table:
    """A row for each learner, layer and state."""
    rows = [
        (one.learner, number, index, *map(float, values))
        for one in looked
        for number, layer in enumerate(one.layers, 1)
        if layer is not None
        for index, values in enumerate(zip(*layer[:4], strict=True))
    ]
    columns = "learner layer state half_life frequency own_share joint_share"
    return Table(columns.split(), rows)


def readout(looked: Sequence[Looked]) -> Table:
    """A row for each learner, bit and step; and of several, of their mean."""
    rows: list[tuple] = []
    for one in looked:
        assert one.readout is not None
        right, chance, shuffled, episodes = one.readout
        rows += [
            (one.learner, bit.name, int(step), *map(float, values), int(episodes[q]))
            for index, bit in enumerate(one.bits)
            for q, step in enumerate(one.steps)
            for values in [(right[q, index], chance[q, index], shuffled[q, index])]
        ]
    if len(looked) > 1:
        found = curves(looked)
        means = (part.mean(0) for part in found[1:4])
        each = zip(found.steps, *means, strict=True)
        rows += [(MEAN, "all", int(step), *map(float, x), None) for step, *x in each]
    columns = "learner bit step accuracy chance shuffled held_out_episodes"
    return Table(columns.split(), rows)


def recall(looked: Sequence[Looked]) -> Table:
    """A row for each learner and lag; and of several, of their mean."""
    rows: list[tuple] = [
        (one.learner, lag, float(density), int(pairs))
        for one in looked
        for lag, (density, pairs) in enumerate(
            zip(one.lags.density, one.lags.pairs, strict=True)
        )
    ]
    if len(looked) > 1:
        mean = densities(looked).mean(0)
        rows += [(MEAN, lag, float(x), None) for lag, x in enumerate(mean)]
    return Table(("learner", "lag", "density", "pairs"), rows)


class Curves(NamedTuple):
    """Of learners, means over bits [S, Q] at steps [Q] that all of them have.

    NaN where of a learner nothing is known.
    """

    steps: np.ndarray
    accuracy: np.ndarray
    chance: np.ndarray
    shuffled: np.ndarray
    episodes: np.ndarray  # held out


def curves(looked: Sequence[Looked]) -> Curves:
    """Puts learners side by side; an episode of one may be shorter than of another."""
    steps = _steps(looked)
    parts: list[list[np.ndarray]] = [[], [], [], []]
    for one in looked:
        assert one.readout is not None
        at = np.searchsorted(one.steps, steps)
        for part, values in zip(parts, one.readout[:3], strict=False):
            part.append(_mean(values[at]))
        parts[3].append(one.readout.episodes[at])
    return Curves(steps, *map(np.stack, parts))


def _steps(looked: Sequence[Looked]) -> np.ndarray:
    """[Q] at which all learners were looked at."""
    return reduce(np.intersect1d, (one.steps for one in looked))


def by_bit(looked: Sequence[Looked]) -> np.ndarray:
    """[3, Q, L] accuracy, chance and shuffled of each bit, means over learners."""
    steps, each = _steps(looked), []
    for one in looked:
        assert one.readout is not None
        at = np.searchsorted(one.steps, steps)
        each.append([part[at] for part in one.readout[:3]])
    return np.mean(each, axis=0)


def _mean(values: np.ndarray) -> np.ndarray:
    """[Q] of [Q, L], over the bits that are known."""
    there = ~np.isnan(values)
    total = np.where(there, values, 0).sum(1)
    count = there.sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def length(looked: Sequence[Looked]) -> int:
    """Steps of the longest episode looked at."""
    return max(len(one.played.inside) for one in looked)


def densities(looked: Sequence[Looked]) -> np.ndarray:
    """[S, K] of learners; shorter ones end in zeros."""
    longest = length(looked)
    each = [one.lags.density for one in looked]
    return np.stack([np.pad(x, (0, longest - len(x))) for x in each])


def interval(found: Curves, q: int) -> tuple[float, float, float]:
    """Accuracy at the q-th step, with a 95% interval.

    Over learners (Student's); of a single one over its held-out episodes (Wilson's, as
    of one bit: several of an episode are not independent).
    """
    each = found.accuracy[:, q]
    if len(each) > 1:
        return mean_interval(each)
    return float(each[0]), *wilson(float(each[0]), int(found.episodes[0, q]))


def wilson(share: float, count: int) -> tuple[float, float]:
    """95% interval of a share of so many independent trials."""
    if count == 0 or np.isnan(share):
        return float("nan"), float("nan")
    z = float(stats.norm.ppf(0.975))
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count)
    half *= float(np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)))
    return max(0.0, middle - half), min(1.0, middle + half)


def summary(looked: Sequence[Looked]) -> dict[str, Any]:
    """What result.json has of it, learner by learner."""
    found: dict[str, Any] = {
        "layers": [
            [
                None
                if layer is None
                else {
                    "half_life": layer.typical if np.isfinite(layer.typical) else None,
                    "beyond_episode": layer.beyond(length(looked)),
                    "overlap": layer.overlap,
                }
                for layer in one.layers
            ]
            for one in looked
        ],
        "median_lag": [one.lags.median for one in looked],
        "bits": [bit.name for bit in looked[0].bits],
        "readout": None,
    }
    if looked[0].readout is not None:
        read = curves(looked)
        found["readout"] = {
            "steps": read.steps.tolist(),
            **{
                name: [known(row) for row in getattr(read, name)]
                for name in ("accuracy", "chance", "shuffled")
            },
        }
    return found
