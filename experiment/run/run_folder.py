"""The folder that holds everything about a run."""

import json
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from envs.fields import shown
from experiment import files
from experiment.errors import InputError
from experiment.setup import config as run_config
from experiment.setup import plain
from experiment.setup.config import RunConfig

PACKAGES = ("jax", "jaxlib", "flax", "optax", "gymnax", "chex", "distrax", "numpy")


class RunFolder:
    """Paths inside a run folder, and the small files that describe the run."""

    def __init__(self, path: Path):
        self.path = path

    config = property(lambda self: self.path / "config.yaml")
    manifest = property(lambda self: self.path / "manifest.json")
    metrics = property(lambda self: self.path / "metrics.csv")
    summary = property(lambda self: self.path / "summary.json")
    learning_curve = property(lambda self: self.path / "learning_curve.png")
    tensorboard = property(lambda self: self.path / "tensorboard")
    checkpoints = property(lambda self: self.path / "checkpoints")
    evaluations = property(lambda self: self.path / "evaluations")

    @classmethod
    def choose(cls, config: RunConfig) -> "RunFolder":
        """The folder for a new run. Nothing is written yet.

        Raises:
          InputError: if it already holds a run, or something else is in the way.
        """
        path = config.schedule.run_dir
        if path is None:
            time = datetime.now().strftime("%Y%m%d-%H%M%S")
            env = config.env.name.replace("/", "-")
            path = f"runs/{env}-{config.core.name}-{config.agent.name}-{time}"
        folder = cls(Path(path))
        if folder.path.exists() and not folder.path.is_dir():
            raise InputError(f"run_dir {path} must be a folder; it is a file.")
        if folder.config.exists():
            raise InputError(
                f"run_dir {path} already holds a run; go on with it (resume={path}) or "
                "choose another."
            )
        return folder

    @classmethod
    def existing(cls, path: str, verb: str) -> "RunFolder":
        """The folder of a run that was started before.

        Raises:
          InputError: if there is none.
        """
        folder = cls(Path(path))
        if not folder.config.exists():
            raise InputError(
                f"{verb}={path} must be a run folder; no config.yaml there."
            )
        return folder

    def create(self, config: RunConfig) -> None:
        """Writes what is known before the run starts."""
        self.path.mkdir(parents=True, exist_ok=True)
        files.write(self.config, plain.write(run_config.dump(config)))

    def load_config(self) -> RunConfig:
        """The configuration that the run was started with.

        Raises:
          InputError: if config.yaml cannot be read or does not fit this version.
        """
        try:
            content = plain.read(files.read(self.config, plain.MOST))
        except ValueError as error:
            raise InputError(f"{self.config} cannot be read: {error}.") from error
        if not isinstance(content, Mapping):
            raise InputError(
                f"{self.config} must hold a mapping; got {shown(content)}."
            )
        return run_config.load(content)

    def write_manifest(self) -> None:
        """Records command, versions, devices, commit; a resumed run adds an entry."""
        import jax

        entry = {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "started": datetime.now().astimezone().isoformat(timespec="seconds"),
            "python": sys.version.split()[0],
            "versions": {name: _version(name) for name in PACKAGES},
            "devices": [device.device_kind for device in jax.devices()],
            "commit": _commit(),
        }
        entries = []
        if self.manifest.exists():
            entries = json.loads(self.manifest.read_text())["starts"]
        self._write_json(self.manifest, {"starts": [*entries, entry]})

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Records the outcome."""
        self._write_json(self.summary, summary)

    def _write_json(self, path: Path, content: Mapping[str, Any]) -> None:
        path.write_text(json.dumps(content, indent=2) + "\n")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of this checkout, marked where files differ from it."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
