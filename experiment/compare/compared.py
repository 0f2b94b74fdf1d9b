"""The runs to compare: found, read and named. Quick: free of JAX, SciPy, matplotlib."""

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from experiment.errors import InputError
from experiment.evaluate import trials
from experiment.evaluate.trials import Trials
from experiment.run import manifest
from experiment.run.metrics import Row
from experiment.run.metrics_file import MetricsFile
from experiment.run.run_folder import RunFolder
from experiment.setup import config as run_config
from experiment.setup.config import RunConfig

REPORT = "report.html"
# Keys that change where a run is written and watched, and not what it computes.
_BESIDE = ("run_dir", "wandb", "log_every", "checkpoint_every")
_MOST_KEYS = 3  # in a label


@dataclass(frozen=True)
class ComparedRun:
    """One finished run, as its folder describes it."""

    label: str
    folder: RunFolder
    config: RunConfig
    summary: Mapping[str, Any]
    rows: Sequence[Row]  # of metrics.csv
    starts: Sequence[Mapping[str, Any]]  # of manifest.json: more than 1 where resumed
    transfer: Trials | None  # the newest transfer evaluation

    @property
    def device(self) -> str | None:
        """What it last ran on, where the manifest says so."""
        devices = self.starts[-1].get("devices") if self.starts else None
        return str(devices[0]) if devices else None


def choose_folder(out: str | None) -> Path:
    """Where to write a comparison; nothing is written yet.

    Raises:
      InputError: if a comparison is there already, or a file is in the way.
    """
    if out is None:
        return Path("comparisons") / datetime.now().strftime("%Y%m%d-%H%M%S")
    path = Path(out)
    if path.exists() and not path.is_dir():
        raise InputError(f"out={out} must be a folder; it is a file.")
    if (path / REPORT).exists():
        raise InputError(f"out={out} already holds a comparison; choose another.")
    return path


def find(given: Sequence[str]) -> list[RunFolder]:
    """Folders of finished runs, each once, from paths and patterns such as `runs/*`.

    A pattern passes over what is no finished run; a path must be one.

    Raises:
      InputError: if a path is no finished run, or a pattern matches none.
    """
    found: dict[Path, RunFolder] = {}
    for text in given:
        if glob.has_magic(text):
            folders = [RunFolder(Path(path)) for path in sorted(glob.glob(text))]
            folders = [f for f in folders if f.config.exists() and f.summary.exists()]
            if not folders:
                raise InputError(f"runs={text} must match a finished run; none does.")
        else:
            folders = [RunFolder.existing(text, "runs")]
            if not folders[0].summary.exists():
                raise InputError(
                    f"runs={text} must be a finished run; no summary.json there (go on "
                    f"with it: python train.py resume={text})."
                )
        for folder in folders:
            found.setdefault(folder.path.resolve(), folder)
    return list(found.values())


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
    names = labels or make_labels(folders, configs)
    return [
        _read_run(label, folder, config)
        for label, folder, config in zip(names, folders, configs, strict=True)
    ]


def _read_run(label: str, folder: RunFolder, config: RunConfig) -> ComparedRun:
    summary = _read_json(folder.summary)
    for key in ("env_steps", "final_return_per_seed", "wall_seconds", "num_parameters"):
        if key not in summary:
            raise InputError(f"{folder.summary} must hold {key}; it does not.")
    try:
        rows = MetricsFile(folder.metrics).read()
    except (ValueError, TypeError) as error:
        raise InputError(f"{folder.metrics} cannot be read: {error}.") from error
    if not rows or not {"env_steps", "seed", "episode/return"} <= rows[0].keys():
        raise InputError(
            f"{folder.metrics} must have rows of env_steps, seed and episode/return; "
            "it has none."
        )
    starts = manifest.read(folder.manifest) or []  # a damaged one decides nothing
    return ComparedRun(
        label, folder, config, summary, rows, starts, trials.newest(folder)
    )


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping; got {content!r}.")
    return content


def make_labels(
    folders: Sequence[RunFolder], configs: Sequence[RunConfig]
) -> list[str]:
    """The core of each run; and what differs, among runs of the same core."""
    flat = [_flatten(run_config.dump(config)) for config in configs]
    cores = [_core(config, keys) for config, keys in zip(configs, flat, strict=True)]
    labels = []
    for core, own in zip(cores, flat, strict=True):
        alike = [other for name, other in zip(cores, flat, strict=True) if name == core]
        labels.append(core + _difference(own, alike))
    # Runs alike in all that a label can hold go by their folders, or are counted.
    labels = [
        f"{label} ({folder.path.name})" if labels.count(label) > 1 else label
        for label, folder in zip(labels, folders, strict=True)
    ]
    return [
        f"{label} #{labels[: index + 1].count(label)}"
        if labels.count(label) > 1
        else label
        for index, label in enumerate(labels)
    ]


def _core(config: RunConfig, keys: Mapping[str, Any]) -> str:
    """A memory that is never reset is another agent, though the core is the same."""
    never = [k for k, v in keys.items() if v == "never_reset"]
    extra = "".join(f" + {key.split('.')[-1]}=never_reset" for key in never)
    return config.core.name + extra


def _difference(own: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> str:
    keys = [
        key
        for key, value in own.items()
        if key not in _BESIDE and any(other.get(key) != value for other in alike)
    ]
    if "env.name" in keys:  # another environment has other parameters anyway
        keys = [k for k in keys if k == "env.name" or not k.startswith("env.")]
    if not keys:
        return ""
    named = [f"{_short(key)}={own[key]}" for key in keys[:_MOST_KEYS]]
    return f" ({', '.join(named)})"


def _short(key: str) -> str:
    return "env" if key == "env.name" else key.split(".")[-1]


def _flatten(plain: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for key, value in plain.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
