"""Successive halving: at shares of training, the worse half of the settings stops.

As Jamieson and Talwalkar (2016), with the shares chosen by hand. Which half is worse is
read from metrics.csv: the mean over a setting's seeds of the return of the episodes
that ended since the last cut. Who is left trains on in a program of its own size. In
checkpoints those that stopped are as they were then, so a checkpoint always has all
learners; halving.json says who stopped when.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from experiment import files
from experiment.errors import InputError
from experiment.run.metrics import Row
from experiment.run.outcome import mean_return
from experiment.setup.config import RunConfig

MOST = 2**24  # bytes of halving.json; a cut has a number for each setting


class Cut(NamedTuple):
    """Who stopped when."""

    update: int  # the last one of those that stopped
    stopped: list[int]  # settings


def ends(config: RunConfig) -> list[int]:
    """Updates after which settings stop, and that of the whole run.

    At log points, each later than the one before.
    """
    length, total = config.schedule.log_every, config.num_updates
    assert isinstance(length, int)  # of a time, a number was made when the run began
    found: list[int] = []
    for share in config.sweep.halve_at:
        update = max(-(-round(share * total) // length), 1) * length
        found.append(max([update, *(end + length for end in found[-1:])]))
    return [*(min(end, total) for end in found), total]


def known(path: Path, done: int) -> list[Cut]:
    """The cuts up to an update, from halving.json; later ones will come again.

    Raises:
      InputError: if it cannot be read: nothing else says who goes on.
    """
    if not path.exists():
        return []
    try:
        content = json.loads(files.read(path, MOST))
        cuts = [
            Cut(int(one["update"]), list(one["stopped"])) for one in content["cuts"]
        ]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InputError(
            f"{path} must list who stopped when; it cannot be read ({error})."
        ) from error
    return [cut for cut in cuts if cut.update <= done]


def keep(path: Path, cuts: Sequence[Cut]) -> None:
    """Writes halving.json.

    Raises:
      MachineError: if it cannot be written.
    """
    files.write_json(path, {"cuts": [cut._asdict() for cut in cuts]})


def going_on(config: RunConfig, cuts: Sequence[Cut]) -> list[int]:
    """Settings that have not stopped."""
    stopped = {setting for cut in cuts for setting in cut.stopped}
    return [k for k in range(len(config.sweep.settings) or 1) if k not in stopped]


def learners(config: RunConfig, settings: Sequence[int]) -> list[int]:
    """The numbers of their learners."""
    count = config.schedule.num_seeds
    return [k * count + seed for k in settings for seed in range(count)]


def stopped(config: RunConfig, cuts: Sequence[Cut]) -> dict[int, int]:
    """For learners that stopped, the first update that they have no row of."""
    return {
        number: cut.update + 1
        for cut in cuts
        for number in learners(config, cut.stopped)
    }


def cut(config: RunConfig, rows: Sequence[Row], cuts: Sequence[Cut], done: int) -> Cut:
    """The next one: the worse half of those that are left.

    A setting of which no episode ended, or a learner diverged, is the worst.

    Args:
      config: of the run.
      rows: of metrics.csv, with learners numbered through.
      cuts: those before.
      done: updates so far.

    Raises:
      InputError: if there are no rows to judge by.
    """
    since = cuts[-1].update if cuts else 0
    of: dict[int, list[Row]] = {}
    for row in rows:
        if since < row["update"] <= done:
            of.setdefault(row["seed"], []).append(row)
    if not of:
        raise InputError(
            f"metrics.csv must have rows of updates {since + 1} to {done} to say which "
            "settings stop; it has none."
        )

    def mean(setting: int) -> float:
        numbers = learners(config, [setting])
        found = [mean_return(of.get(number, ())) for number in numbers]
        last = (of[number][-1]["update"] if number in of else 0 for number in numbers)
        lasted = all(update == done for update in last)
        values = [value for value in found if value is not None]
        whole = lasted and len(values) == len(found)
        return sum(values) / len(values) if whole else -np.inf

    left = going_on(config, cuts)
    best_first = sorted(left, key=lambda setting: -mean(setting))
    return Cut(done, sorted(best_first[len(left) - len(left) // 2 :]))


def part(whole: Any, numbers: Sequence[int]) -> Any:
    """Learners [A, ...] of [S, ...]."""
    where = np.array(numbers)
    return jax.jit(lambda tree: jax.tree.map(lambda x: x[where], tree))(whole)


def joined(whole: Any, some: Any, numbers: Sequence[int]) -> Any:
    """Learners [S, ...] with others [A, ...] in the places of these."""
    where = np.array(numbers)
    return _joined(whole, some, where)


@jax.jit
def _joined(whole: Any, some: Any, where: Any) -> Any:
    return jax.tree.map(lambda x, y: x.at[where].set(y), whole, some)
