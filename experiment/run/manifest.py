"""manifest.json: how a run came about. A record, which nothing is decided by."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from experiment import files
from experiment.errors import RunError

MOST = 2**24  # bytes; an entry has about a thousand
PACKAGES = ("jax", "jaxlib", "flax", "optax", "gymnax", "chex", "distrax", "numpy")


def record(path: Path) -> None:
    """Adds what was typed, versions, devices and commit; an entry for each start.

    A damaged manifest is set aside and stops nobody.

    Raises:
      MachineError: if it cannot be written.
    """
    starts = read(path)
    if starts is None:
        aside = path.with_suffix(".damaged.json")
        path.replace(aside)
        print(f"{path} was damaged; it is now {aside.name}, and a new one is begun.")
    import jax

    devices = [device.device_kind for device in jax.devices()]
    files.write_json(path, {"starts": [*(starts or ()), entry(devices)]})


def record_evaluation(training: Path, place: Path) -> dict[str, list[dict[str, Any]]]:
    """Records an evaluation in its folder, and tells how the run and it were made.

    Args:
      training: manifest.json of the run.
      place: the evaluation's folder.
    """
    own = place / training.name
    record(own)
    return {"training": read(training) or [], "this evaluation": read(own) or []}


def read(path: Path) -> list[dict[str, Any]] | None:
    """The entries, none where there is no manifest; None where it is damaged."""
    if not path.exists():
        return []
    try:
        starts = json.loads(files.read(path, MOST))["starts"]
    except (RunError, ValueError, TypeError, KeyError, RecursionError):
        return None
    whole = isinstance(starts, list) and all(isinstance(s, dict) for s in starts)
    return starts if whole else None


def entry(devices: Sequence[str] = ()) -> dict[str, Any]:
    """One start: this process, on these devices, or without any."""
    return {
        # As it was typed, from the interpreter on: `sys.argv` is changed for Hydra.
        "command": [Path(sys.orig_argv[0]).name, *sys.orig_argv[1:]],
        "started": datetime.now().astimezone().isoformat(timespec="seconds"),
        "python": sys.version.split()[0],
        "versions": {name: _version(name) for name in PACKAGES},
        "devices": list(devices),
        "commit": _commit(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of this checkout, marked where files differ from it."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        # Without optional locks, for a checkout may be read-only or in use.
        command = ["git", "--no-optional-locks", "-C", str(here), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=True
        )
        return done.stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
