"""The search of a field: what is compared, where, in which settings. Quick: no JAX.

    by (say, core)   environment   setting               learners [S]
    s5               memory_chain  learning_rate=3e-4    seed 0, 1, 2
                                   learning_rate=1e-3    seed 0, 1, 2
    gru              memory_chain  ...

A setting is all that a run was told, but for its environment, what the field goes by,
and its seeds; its learners may come from one run or from several. Of each pair of row
and environment the best setting is chosen, by its mean final return.
"""

import glob
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from experiment.compare import compared, reading
from experiment.errors import InputError
from experiment.run import outcome
from experiment.run.learners import Learners
from experiment.run.run_folder import RunFolder
from experiment.run.unchanged import FREE
from experiment.setup import config as run_config
from experiment.setup import keys
from experiment.setup.config import RunConfig

REPORT = "field.csv"
# Not part of a setting: seeds, and what is said of a machine and not of learning.
_BESIDE = {
    *(FREE - {"total_steps"}),
    *("seed", "num_seeds", "log_every", "mesh.envs"),
}
_NAMED = {"core": "core.name", "agent": "agent.name", "memory": "agent.memory"}

Learner = tuple[int, int]  # what draws it: the run's seed, and which of its learners


@dataclass(frozen=True)
class Tried:
    """One setting that a run trained, with its learners."""

    folder: RunFolder
    config: RunConfig
    keys: Mapping[str, Any]  # of the whole configuration, flat
    env_steps: int
    num_parameters: int
    returns: Mapping[Learner, float | None]  # final ones; None where there is none


@dataclass(frozen=True)
class Setting:
    """One setting of one row in one environment, its learners pooled over runs."""

    key: str  # equal for equal settings
    runs: Sequence[Tried]
    returns: Mapping[Learner, float | None]

    @property
    def mean(self) -> float | None:
        """What it is chosen by; None where a learner has no final return."""
        values = list(self.returns.values())
        return None if None in values else float(np.mean(values))  # type: ignore


@dataclass(frozen=True)
class Cell:
    """A row in an environment: every setting that was tried of it."""

    row: str
    env: str  # with all that was chosen of it
    settings: Sequence[Setting]
    best: Setting | None  # None where no setting has a mean
    told: Setting | None  # whose numbers are told: the best one's, or its fresh ones


@dataclass(frozen=True)
class Field:
    """All cells, and what to say beside them."""

    by: str
    rows: Sequence[str]
    envs: Mapping[str, str]  # how each is shown, by what `Cell.env` says
    cells: Mapping[tuple[str, str], Cell]
    is_fresh: bool  # numbers are of other learners than those chosen by
    warnings: Sequence[str]  # of what was read; `field_table` has more of the cells


def settings_of(folder: RunFolder) -> Iterator[Tried]:
    """The settings that a run holds: one, or those that trained side by side.

    Raises:
      InputError: if it cannot be read.
    """
    whole, summary = folder.load_config(), reading.summary(folder.summary)
    found = [summary]
    if whole.sweep:
        rows = reading.rows(folder.metrics, Learners.of(whole))
        found = outcome.summarise(rows, whole)[outcome.SETTINGS]
    seed = whole.schedule.seed
    for number, one in enumerate(found):
        config, per_seed = whole.alone(number), one["final_return_per_seed"]
        yield Tried(
            folder,
            config,
            keys.flat(run_config.dump(config)),
            summary["env_steps"],
            summary["num_parameters"],
            {(seed, index): value for index, value in enumerate(per_seed)},
        )


def read(given: Sequence[str], by: str, fresh: Sequence[str] = ()) -> Field:
    """Reads a field, and chooses the best settings.

    Args:
      given: paths and patterns of the runs that were tried.
      by: the key that rows differ in; or "core", "agent", "memory".
      fresh: likewise, of further learners of the best settings.

    Raises:
      InputError: if a run cannot be read, or none was told of `by`.
    """
    key = _NAMED.get(by, by)
    tried = _tried(given, "field")
    if not any(key in one.keys for one in tried):
        raise InputError(f"by={by} must be a key of the runs, as in by=core.")
    if key.partition(".")[0] == "env" or key in _BESIDE:
        raise InputError(
            f"by={by} cannot tell rows apart: environments are columns, and seeds are "
            "pooled."
        )
    warnings = _unfinished(given)
    cells = {
        place: Cell(*place, settings, best := _best(settings), best)
        for place, settings in _pooled(tried, key, warnings).items()
    }
    if fresh:
        others = _pooled(_tried(fresh, "fresh"), key, warnings)
        cells = {
            place: _with_fresh(cell, others.get(place, []), warnings)
            for place, cell in cells.items()
        }
    rows = list(dict.fromkeys(row for row, _ in cells))
    return Field(by, rows, _environments(tried), cells, bool(fresh), warnings)


def _tried(given: Sequence[str], name: str) -> list[Tried]:
    folders = compared.find(given, name)
    return [one for folder in folders for one in settings_of(folder)]


def _environment(one: Tried) -> str:
    params = {key: value for key, value in one.keys.items() if key.startswith("env.")}
    return json.dumps(params, sort_keys=True)


def _environments(tried: Sequence[Tried]) -> dict[str, str]:
    """Each environment's name, and in brackets what those of one name differ in."""
    every = {_environment(one): one for one in tried}
    found = {}
    for key, one in every.items():
        name = one.config.env.title
        alike = [json.loads(k) for k, o in every.items() if o.config.env.title == name]
        own = json.loads(key)
        differing = [
            f"{k.removeprefix('env.')}={value}"
            for k, value in own.items()
            if any(other.get(k) != value for other in alike)
        ]
        found[key] = name + (f" ({', '.join(differing)})" if differing else "")
    return found


def _pooled(
    tried: Sequence[Tried], by: str, warnings: list[str]
) -> dict[tuple[str, str], list[Setting]]:
    """Settings by row and environment; learners that are there twice count once."""
    cells: dict[tuple[str, str], dict[str, list[Tried]]] = {}
    for one in tried:
        own = {
            key: value
            for key, value in one.keys.items()
            if key not in _BESIDE and key != by and not key.startswith("env.")
        }
        place = (str(one.keys.get(by, "not set")), _environment(one))
        settings = cells.setdefault(place, {})
        settings.setdefault(json.dumps(own, sort_keys=True), []).append(one)
    return {
        place: [_pool(key, runs, warnings) for key, runs in settings.items()]
        for place, settings in cells.items()
    }


def _pool(key: str, runs: Sequence[Tried], warnings: list[str]) -> Setting:
    returns: dict[Learner, float | None] = {}
    for one in runs:
        if one.returns.keys() & returns.keys():
            warnings.append(
                f"{one.folder.path} holds learners that another run of its setting has "
                "(the same seed): they count once."
            )
        returns = {**one.returns, **returns}
    return Setting(key, runs, returns)


def _best(settings: Sequence[Setting]) -> Setting | None:
    known = [setting for setting in settings if setting.mean is not None]
    return max(known, key=lambda setting: setting.mean or 0.0, default=None)


def _with_fresh(cell: Cell, others: Sequence[Setting], warnings: list[str]) -> Cell:
    """The best setting's further learners; those that it was chosen by are no part."""
    told = None
    for setting in others:
        if cell.best is None or setting.key != cell.best.key:
            continue
        known = cell.best.returns
        new = {key: value for key, value in setting.returns.items() if key not in known}
        if gone := len(setting.returns) - len(new):
            warnings.append(
                f"{gone} of the fresh learners of {cell.row} are among those that its "
                "setting was chosen by: left out."
            )
        told = replace(setting, returns=new) if new else None
    return replace(cell, told=told)


def _unfinished(given: Sequence[str]) -> list[str]:
    """What patterns pass over, where it is a run."""
    paths = {Path(p) for text in given for p in glob.glob(text, recursive=True)}
    begun = [
        path for path in sorted(paths)
        if (path / "config.yaml").is_file() and not (path / "summary.json").exists()
    ]  # fmt: skip
    if not begun:
        return []
    shown = ", ".join(str(path) for path in begun[:3]) + (", ..." * (len(begun) > 3))
    return [f"{len(begun)} runs have not ended and are left out: {shown}."]
