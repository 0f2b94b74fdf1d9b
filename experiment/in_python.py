"""Training from a program: what `experiment.train` and `experiment.resume` do."""

import json
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.fields import shown
from experiment.errors import SIGNAL, InputError, told
from experiment.histories.pinned import pinned
from experiment.run.metrics_file import MetricsFile
from experiment.run.run_folder import RunFolder
from experiment.setup import arguments, cli
from experiment.setup import config as run_config
from experiment.start import resume as go_on
from experiment.start import start

Config = run_config.RunConfig | Mapping[str, Any] | Sequence[str]


class Run:
    """A run, as its folder has it.

    Attributes:
      path: of the folder.
      config: that it was trained with.
      status: as `train.py` exits: 0 done, 3 diverged, 128 + n stopped by signal n.
    """

    def __init__(self, folder: RunFolder, status: int):
        """Reads the configuration; see `experiment.train`."""
        self.path, self.status = folder.path, status
        self.config = folder.load_config()
        self._folder = folder

    @property
    def summary(self) -> dict[str, Any] | None:
        """What summary.json holds; None of a run that did not come to its end."""
        path = self._folder.summary
        if not path.exists():
            return None
        with told(f"{path} cannot be read"):
            return json.loads(path.read_text())

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.csv, one for each log point and learner."""
        return list(MetricsFile(self._folder.metrics).read())

    def load(self, seed: int = 0) -> Any:
        """A trained learner, to act with: see `experiment.load`.

        Nothing is asked about trust: the configuration came from this program.
        """
        from experiment.evaluate.load import load

        return load(str(self.path), seed=seed, trust=True)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}, status={self.status})"


def configured(config: Config) -> run_config.RunConfig:
    """A configuration from what `train.py` would be told.

    Args:
      config: `key=value` texts, values by key ("agent.learning_rate"), or one that is
        whole already.

    Raises:
      InputError: as for a command line.
    """
    if isinstance(config, run_config.RunConfig):
        return config
    if isinstance(config, str):
        raise InputError(
            "a configuration is a mapping of keys or a list of key=value; got the text "
            f"{config[:80]!r}."
        )
    nothing = []
    if isinstance(config, Mapping):
        nothing = [key for key, value in config.items() if value is None]
        given = {key: value for key, value in config.items() if value is not None}
        config = [f"{key}={_written(key, value)}" for key, value in given.items()]
    if any(text.startswith("resume=") for text in config):
        raise InputError("experiment.resume goes on with a run; train begins one.")
    tree = cli.composed("train", list(config))
    for key in nothing:  # which no text says of a key whose values are text
        arguments.put(tree, key, None)
    return run_config.load(tree)


def train(config: Config, cache: str) -> Run:
    """See `experiment.train`."""
    chosen = pinned(configured(config))
    folder = RunFolder.choose(chosen)
    return _run(folder, start(chosen, cache, folder))


def resume(run: str, options: Mapping[str, Any], trust: bool, cache: str) -> Run:
    """See `experiment.resume`."""
    tree: dict[str, Any] = {"resume": run, "trust": trust}
    for key, value in options.items():
        arguments.put(tree, key, value)
    return _run(RunFolder(Path(run)), go_on(tree, cache))


def _run(folder: RunFolder, status: int) -> Run:
    """What came of it; a signal that stopped it now goes on to the program.

    Ctrl-C is KeyboardInterrupt then, as everywhere in Python.
    """
    if status > SIGNAL:
        signal.raise_signal(status - SIGNAL)
    return Run(folder, status)


def _written(key: str, value: Any) -> str:
    """A value as it stands on a command line; text and paths letter for letter."""
    if isinstance(value, str | Path):
        return str(value)
    try:
        return json.dumps(value)
    except TypeError as error:
        raise InputError(
            f"{key} must be a number, text, True, False, None or a list of such; got "
            f"{shown(value)}."
        ) from error
