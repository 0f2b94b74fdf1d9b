"""What a transfer evaluation found: the return of every trial, read from a run folder.

`<run>/evaluations/transfer-<time>/` holds `trials.csv.gz`, a row per split, control,
learner, task and trial, and `result.json`, with the levels to compare them with.
"""

import csv
import gzip
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agents.acting.controls import CONTROLS
from envs import SPLITS
from experiment import files
from experiment.errors import InputError
from experiment.report.text import safe
from experiment.run.run_folder import RunFolder

PLAIN = CONTROLS[0]  # changes nothing
FILE = "trials.csv.gz"  # pandas.read_csv reads it as it is
COLUMNS = ("split", "control", "seed", "task", "trial", "return", "length")
_READ = COLUMNS[:-1]
# More than any evaluation has: a folder may be somebody else's, and its files a trap.
MOST_JSON, MOST_BYTES, MOST_LINE = 2**26, 2**31, 2**16
MOST_ROWS, MOST_KINDS = 20_000_000, 100
_DAMAGE = (
    *(OSError, ValueError, TypeError, KeyError, IndexError, AttributeError),
    *(OverflowError, InputError),
)


@dataclass(frozen=True)
class Levels:
    """Returns of a trial to compare with; None where not known."""

    random: float | None = None
    expert: float | None = None
    expert_name: str | None = None

    def normalise(self, returns: np.ndarray) -> np.ndarray | None:
        """0 as random, 1 as the expert; None where that cannot be said."""
        if self.random is None or self.expert is None or self.expert == self.random:
            return None
        return (returns - self.random) / (self.expert - self.random)


@dataclass(frozen=True)
class Trials:
    """A transfer evaluation.

    Attributes:
      trained: trials in a meta-episode while training.
      num_trials: K, trials in an evaluated meta-episode.
      returns: [S, N, K] over learners, tasks and trials, by split and control.
      levels: by split.
      seed: that tasks were drawn with; None where it is not known.
      setting: whose learners played, of a run of several; None of a run of one.
    """

    path: Path
    trained: int
    num_trials: int
    returns: Mapping[tuple[str, str], np.ndarray]
    levels: Mapping[str, Levels]
    seed: int | None = None
    setting: int | None = None

    @property
    def splits(self) -> list[str]:
        """Those played without a control, in the usual order."""
        found = {split for split, control in self.returns if control == PLAIN}
        return in_order(found, SPLITS)

    @property
    def late(self) -> slice:
        """The last quarter of the trials trained on (of those that were played)."""
        return adapted(min(self.trained, self.num_trials))

    def adapted(self, split: str, control: str = PLAIN) -> np.ndarray:
        """[S, N]: mean return over the last quarter of the trials trained on."""
        return self.returns[split, control][:, :, self.late].mean(-1)

    def zero_shot(self, split: str, control: str = PLAIN) -> np.ndarray:
        """[S, N]: return of the first trial."""
        return self.returns[split, control][:, :, 0]


def adapted(trained: int) -> slice:
    """Where adaptation is read: the last quarter of the trials trained on."""
    return slice(3 * trained // 4, trained)


def in_order(found: set[str], usual: Sequence[str]) -> list[str]:
    """The usual names in their order, then any others."""
    return [*(n for n in usual if n in found), *sorted(found - set(usual))]


def newest(folder: RunFolder, setting: int | None = None) -> Trials | None:
    """The run's newest transfer evaluation that was finished; None if there is none.

    Args:
      setting: of this setting's learners; None: of a run that has one setting.

    Raises:
      InputError: if its files do not hold what they should.
    """
    done = [
        path
        for path in sorted(folder.evaluations.glob("transfer-*"))
        if (path / "result.json").exists() and (path / FILE).exists()
    ]
    of_setting = (
        found for found in map(read, reversed(done)) if found.setting == setting
    )
    return next(of_setting, None)


def read(path: Path) -> Trials:
    """Reads the folder of one transfer evaluation.

    Raises:
      InputError: if a file cannot be read, or a trial is missing or there twice.
    """
    try:
        result = json.loads(files.read(path / "result.json", MOST_JSON))
        trained, num_trials = (
            int(result["num_trials_trained"]),
            int(result["num_trials"]),
        )
        setting = result["setting"]["number"] if "setting" in result else None
        levels = {
            split: Levels(_level(at.get("random")), _level(at.get("expert")), _name(at))
            for split, at in result["levels"].items()
        }
    except (*_DAMAGE, RecursionError) as error:
        raise InputError(
            f"{path / 'result.json'} cannot be read: {error!r}."
        ) from error
    if not (trained >= 1 and num_trials >= 1):
        raise InputError(
            f"{path / 'result.json'} must count at least 1 trial; got "
            f"num_trials_trained {trained} and num_trials {num_trials}."
        )
    returns = {
        key: _block(path / FILE, key, cells, num_trials)
        for key, cells in _read_cells(path / FILE).items()
    }
    seed = result.get("seed")
    found = Trials(path, trained, num_trials, returns, levels, seed, setting)
    if not found.splits:
        raise InputError(f"{path / FILE} must have rows of control none.")
    return found


def _level(value: Any) -> float | None:
    """A return to compare with, from a file.

    Raises:
      ValueError: if it is no finite number.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not math.isfinite(float(value)):
        raise ValueError(f"a level must be a finite number; got {value!r}")
    return float(value)


def _name(at: Mapping[str, Any]) -> str | None:
    name = at.get("expert_name")
    return None if name is None else safe(str(name))


def write(path: Path, played: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Writes a transfer evaluation's trials into its folder.

    Args:
      path: of the folder.
      played: returns and lengths, [2, S, N, K], by split and control.
    """
    with gzip.open(path / FILE, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for split, controls in played.items():
            for control, (returns, lengths) in controls.items():
                for (seed, task, trial), value in np.ndenumerate(returns):
                    length = int(lengths[seed, task, trial])
                    row = (split, control, seed, task, trial + 1)
                    writer.writerow([*row, f"{value:.6g}", length])


def _read_cells(path: Path) -> dict[tuple[str, str], np.ndarray]:
    """Rows `(seed, task, trial, return)` [M, 4], by split and control."""
    cells: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    try:
        files.check_file(path, MOST_BYTES)
        with gzip.open(path) as file:
            reader = csv.reader(line.decode() for line in files.lines(file, MOST_LINE))
            header = next(reader, [])
            split, control, *rest = (header.index(name) for name in _READ)
            for count, row in enumerate(reader):
                if count == MOST_ROWS or len(cells) > MOST_KINDS:
                    raise ValueError("it holds more than an evaluation can")
                numbers = tuple(float(row[place]) for place in rest)
                key = safe(row[split], 40), safe(row[control], 40)
                cells.setdefault(key, []).append(numbers)
    except (OSError, EOFError, zlib.error, csv.Error, *_DAMAGE) as error:
        raise InputError(
            f"{path} must have columns {', '.join(_READ)} and numbers in the last "
            f"four: {error}."
        ) from error
    return {key: np.array(rows) for key, rows in cells.items()}


def _block(
    path: Path, key: tuple[str, str], cells: np.ndarray, num_trials: int
) -> np.ndarray:
    """[M, 4] -> [S, N, K]."""
    places = [np.unique(cells[:, axis], return_inverse=True) for axis in range(3)]
    shape = tuple(len(values) for values, _ in places)
    trials = places[2][0]
    whole = len(cells) == math.prod(shape) and len(trials) == num_trials
    block = np.full(shape if whole else (0, 0, 0), np.nan)
    if whole:
        block[tuple(place.reshape(-1) for _, place in places)] = cells[:, 3]
        whole = np.isfinite(block).all() and (trials == np.arange(num_trials) + 1).all()
    if not whole:
        raise InputError(
            f"{path} must have each of the trials 1 to {num_trials} once for every "
            f"learner and task, with a finite return; split {key[0]}, control {key[1]} "
            f"has {len(cells)} rows for {shape[0]} learners and {shape[1]} tasks."
        )
    return block
