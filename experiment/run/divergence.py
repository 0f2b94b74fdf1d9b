"""Learners that diverged, while others go on.

`diverged/seed_<k>/` keeps what reproduces it: the learner as it last was good, in
`learner.npz`, and in `reproduce.json` the seed, the update, the metric that was not
finite first, and the configuration.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiment import files
from experiment.errors import InputError, RunError
from experiment.run import hosts
from experiment.run.values import whole

MOST = 2**24  # bytes of reproduce.json; the configuration has a few thousand


@dataclass(frozen=True)
class Divergence:
    """One learner that diverged."""

    seed: int  # which of the run's learners, from 0
    update: int  # the first with a metric that is not finite, from 1
    metric: str  # nearest to the cause
    good_update: int  # of the state that is kept

    def __str__(self):
        when = f"update {self.update} of seed {self.seed}"
        return f"{self.metric} is not finite at {when}"


def keep(
    folder: Path, found: Divergence, learners: Any, config: Mapping[str, Any]
) -> None:
    """Keeps a learner apart.

    Args:
      folder: `diverged/` of the run.
      found: which, when.
      learners: [S, ...] of all seeds, as they were at `found.good_update`.
      config: of the run, as plain data.

    Raises:
      MachineError: if it cannot be written.
    """
    place = folder / f"seed_{found.seed}"
    leaves = jax.tree.leaves_with_path(learners)
    arrays = {
        jax.tree_util.keystr(path): _plain(leaf)[found.seed] for path, leaf in leaves
    }
    if not hosts.here().writes:
        return
    files.make_folder(place, f"{place} cannot be made")
    held = io.BytesIO()
    np.savez(held, allow_pickle=False, **arrays)
    files.write(place / "learner.npz", held.getvalue())
    files.write_json(
        place / "reproduce.json",
        {
            "seed": found.seed,
            "update": found.update,
            "metric": found.metric,
            "good_update": found.good_update,
            "how": "learner.npz is this learner after good_update updates; "
            f"{found.update - found.good_update} more make the metric not finite",
            "config": config,
        },
    )


def known(folder: Path, done: int) -> list[Divergence]:
    """Those that diverged up to an update; what is kept of later ones will come again.

    Args:
      folder: `diverged/` of the run.
      done: updates behind the checkpoint that is gone on from.
    """
    found = []
    for path in sorted(folder.glob("seed_*/reproduce.json")):
        try:
            content = json.loads(files.read(path, MOST))
            one = Divergence(*(content[key] for key in Divergence.__annotations__))
        except (RunError, ValueError, TypeError, KeyError, RecursionError):
            continue
        if isinstance(one.update, int) and one.update <= done:
            found.append(one)
    return found


def healthy(
    folder: Path, done: int, learners: Any, numbers: range
) -> tuple[Any, list[int]]:
    """Learners [N, ...] without those that diverged, and the places of those left.

    Args:
      folder: `diverged/` of the run.
      done: updates behind them.
      learners: those of the run that have these numbers.
      numbers: N of them.

    Raises:
      InputError: if none is left.
    """
    sick = {one.seed - numbers.start: one for one in known(folder, done)
            if one.seed in numbers}  # fmt: skip
    seeds = [seed for seed in range(len(numbers)) if seed not in sick]
    for seed, one in sick.items():
        print(f"seed {seed} diverged at update {one.update}; it is left out.")
    if not seeds:
        raise InputError(
            f"every learner of {folder.parent} diverged; none can be played."
        )
    if sick:
        learners = jax.tree.map(lambda x: x[np.array(seeds)], learners)
    return learners, seeds


def _plain(leaf: Any) -> np.ndarray:
    if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return whole(leaf)
