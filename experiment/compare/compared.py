"""The runs to compare: found, read and named. Quick: free of JAX, SciPy, matplotlib."""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from envs import titles
from envs.fields import shown
from experiment.compare import reading
from experiment.errors import InputError, told
from experiment.evaluate import trials
from experiment.evaluate.trials import Trials
from experiment.report.text import safe
from experiment.run import clock, manifest, outcome
from experiment.run.learners import Learners
from experiment.run.metrics import Row
from experiment.run.run_folder import RunFolder
from experiment.setup import config as run_config
from experiment.setup import keys
from experiment.setup.config import RunConfig

REPORT = "report.html"
# Keys that change where a run is written and watched, and not what it computes.
BESIDE = (
    *("run_dir", "log_every", "checkpoint_every", "devices", "mesh.seeds"),
    *run_config.WANDB,
)
_MOST_KEYS = 3  # in a label
_MOST_LETTERS = 100  # of a label


@dataclass(frozen=True)
class ComparedRun:
    """One finished run, as its folder describes it; of several settings, the best."""

    label: str
    folder: RunFolder
    config: RunConfig
    summary: Mapping[str, Any]
    rows: Sequence[Row]  # of metrics.csv
    starts: Sequence[Mapping[str, Any]]  # of manifest.json: more than 1 where resumed
    transfer: Trials | None  # the newest transfer evaluation
    tried: Sequence[tuple[str, Any]] = ()  # settings, the best first, and outcomes
    clock: Sequence[tuple[int, float]] = ()  # seconds by update, where they are known

    @property
    def device(self) -> str | None:
        """What it last ran on, where the manifest says so."""
        devices = self.starts[-1].get("devices") if self.starts else None
        return safe(str(devices[0])) if isinstance(devices, list) and devices else None


def choose_folder(out: str | None, report: str = REPORT) -> Path:
    """Where to write a comparison; nothing is written yet.

    Raises:
      InputError: if a comparison is there already, or a file is in the way.
    """
    if out is None:
        return Path("comparisons") / datetime.now().strftime("%Y%m%d-%H%M%S")
    path = Path(out)
    with told(f"out={out} cannot be looked into"):
        if path.exists() and not path.is_dir():
            raise InputError(f"out={out} must be a folder; it is a file.")
        if (path / report).exists():
            raise InputError(f"out={out} already holds a comparison; choose another.")
    return path


def find(given: Sequence[str], key: str = "runs") -> list[RunFolder]:
    """Folders of finished runs, each once, from paths and patterns such as `runs/*`.

    A pattern passes over what is no finished run (`runs/**` looks into all folders
    below); a path must be one. `key` is what they were given as.

    Raises:
      InputError: if a path is no finished run, or a pattern matches none.
    """
    found: dict[Path, RunFolder] = {}
    for text in given:
        with told(f"{key}={text} cannot be looked into"):
            is_pattern = glob.has_magic(text) and not Path(text).exists()
        if is_pattern:
            folders = [RunFolder(Path(path)) for path in _matches(text)]
            folders = [folder for folder in folders if _is_finished(folder)]
            if not folders:
                raise InputError(f"{key}={text} must match a finished run; none does.")
        else:
            folders = [RunFolder.existing(text, key)]
            if not folders[0].summary.exists():
                raise InputError(
                    f"{key}={text} must be a finished run; no summary.json there (go "
                    f"on with it: python train.py resume={text})."
                )
        for folder in folders:
            found.setdefault(folder.path.resolve(), folder)
    return list(found.values())


def _matches(pattern: str) -> list[str]:
    return sorted(glob.glob(pattern, recursive=True))


def _is_finished(folder: RunFolder) -> bool:
    try:
        return folder.config.exists() and folder.summary.exists()
    except OSError:  # a folder that may not be looked into, a circle of links
        return False


def read(given: Sequence[str], labels: Sequence[str] = ()) -> list[ComparedRun]:
    """Reads every run that is named.

    Args:
      given: paths and patterns.
      labels: one for each run found; none for labels made from the configurations.

    Raises:
      InputError: for a run that is not there, not finished or not readable, and for
        labels that are too few, too many or twice the same.
    """
    folders = find(given)
    configs = [folder.load_config() for folder in folders]
    if labels and len(labels) != len(folders):
        raise InputError(
            f"labels must name each of the {len(folders)} runs found; got "
            f"{len(labels)}: {', '.join(labels)}."
        )
    if len(set(labels)) != len(labels):
        raise InputError(f"labels must differ; got {', '.join(labels)}.")
    for label in labels:
        if not label or safe(label, _MOST_LETTERS) != label:
            raise InputError(
                f"labels must be printable, of at most {_MOST_LETTERS} letters; got "
                f"{shown(label)}."
            )
    chosen = [
        outcome.setting_of(folder, config, None)
        for folder, config in zip(folders, configs, strict=True)
    ]
    alone = [config.alone(k) for config, k in zip(configs, chosen, strict=True)]
    names = labels or make_labels(folders, alone)
    return [
        _read_run(*parts) for parts in zip(names, folders, configs, chosen, strict=True)
    ]


def _read_run(
    label: str, folder: RunFolder, config: RunConfig, setting: int
) -> ComparedRun:
    learners = Learners.of(config)
    rows = reading.rows(folder.metrics, learners)
    starts = manifest.read(folder.manifest) or []  # a damaged one decides nothing
    return ComparedRun(
        label,
        folder,
        config.alone(setting),
        reading.summary(folder.summary),
        learners.rows_of(setting, rows),
        starts,
        trials.newest(folder, setting if config.sweep else None),
        _tried(config, rows),
        clock.read(folder.clock),
    )


def _tried(config: RunConfig, rows: Sequence[Row]) -> list[tuple[str, Any]]:
    if not config.sweep:
        return []
    found = outcome.summarise(rows, config)[outcome.SETTINGS]
    return [(config.sweep.said(k), found[k]) for k in outcome.ranked(found)]


def make_labels(
    folders: Sequence[RunFolder], configs: Sequence[RunConfig]
) -> list[str]:
    """The agent, if there are several, and core; what differs among runs of the same.

    A memory that is never reset is another agent, though the core is the same.
    """
    flat = [keys.flat(run_config.dump(config)) for config in configs]
    several = len({config.agent.name for config in configs}) > 1
    names = [
        f"{config.agent.name} {core}" if several else core
        for config, core in zip(configs, map(_core, configs, flat), strict=True)
    ]
    labels = []
    for name, own in zip(names, flat, strict=True):
        alike = [keys for other, keys in zip(names, flat, strict=True) if other == name]
        labels.append(safe(name + _difference(own, alike), _MOST_LETTERS))
    # Runs alike in all that a label can hold go by their folders, or are counted.
    labels = [
        f"{label} ({safe(folder.path.name)})" if labels.count(label) > 1 else label
        for label, folder in zip(labels, folders, strict=True)
    ]
    return [
        f"{label} #{labels[: index + 1].count(label)}"
        if labels.count(label) > 1
        else label
        for index, label in enumerate(labels)
    ]


def _core(config: RunConfig, keys: Mapping[str, Any]) -> str:
    never = [k for k, v in keys.items() if v == "never_reset"]
    extra = "".join(f" + {key.split('.')[-1]}=never_reset" for key in never)
    return config.core.name + extra


def _difference(own: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> str:
    keys = [
        key
        for key, value in own.items()
        if key not in BESIDE and any(other.get(key) != value for other in alike)
    ]
    if "env.name" in keys:  # another one has other parameters anyway
        keys = ["env.name", *(key for key in keys if not key.startswith("env."))]
    if not keys:
        return ""
    its = {key.removeprefix("env."): value for key, value in own.items()}
    said = {**own, "env.name": titles.title(own["env.name"], its)}
    named = [f"{_short(key)}={said[key]}" for key in keys[:_MOST_KEYS]]
    return f" ({', '.join(named)})"


def _short(key: str) -> str:
    section, _, leaf = key.rpartition(".")
    return section if leaf == "name" else leaf
