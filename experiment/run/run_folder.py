"""The folder that holds everything about a run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from envs.fields import shown
from experiment import files, signals, unfinished
from experiment.errors import InputError, told
from experiment.run import hosts, manifest
from experiment.run.lock import LOCK, Lock, check_free
from experiment.setup import config as run_config
from experiment.setup import plain
from experiment.setup.config import RunConfig


class RunFolder:
    """Paths inside a run folder, and the small files that describe the run."""

    def __init__(self, path: Path):
        self.path = path
        self._is_owned = False
        self._made: list[Path] = []  # folders that were not there, inner ones first

    config = property(lambda self: self.path / "config.yaml")
    manifest = property(lambda self: self.path / "manifest.json")
    metrics = property(lambda self: self.path / "metrics.csv")
    clock = property(lambda self: self.path / "clock.csv")
    summary = property(lambda self: self.path / "summary.json")
    learning_curve = property(lambda self: self.path / "learning_curve.png")
    tensorboard = property(lambda self: self.path / "tensorboard")
    checkpoints = property(lambda self: self.path / "checkpoints")
    policy = property(lambda self: self.path / "policy")  # of a learner that was kept
    diverged = property(lambda self: self.path / "diverged")
    halving = property(lambda self: self.path / "halving.json")
    evaluations = property(lambda self: self.path / "evaluations")

    def new_evaluation(self, kind: str) -> Path:
        """Where one that ends now goes; nothing is made yet."""
        return self.evaluations / f"{kind}-{datetime.now():%Y%m%d-%H%M%S-%f}"

    @classmethod
    def choose(cls, config: RunConfig) -> "RunFolder":
        """The folder for a new run. A default one is made at once, and so reserved.

        Raises:
          InputError: if it already holds a run, or something else is in the way.
          MachineError: if a default one cannot be made.
        """
        path = config.schedule.run_dir
        if path is None:
            return _reserved(config)
        folder = cls(Path(path))
        with told(f"run_dir {path} cannot be looked into"):
            check_free(folder.path / LOCK)
            folder._check_new()
        return folder

    @classmethod
    def existing(cls, path: str, verb: str) -> "RunFolder":
        """The folder of a run that was started before.

        Raises:
          InputError: if there is none.
        """
        folder = cls(Path(path))
        with told(f"{verb}={path} must be a run folder"):
            found = folder.config.exists()
        if not found:
            raise InputError(
                f"{verb}={path} must be a run folder; no config.yaml there."
            )
        return folder

    @contextmanager
    def owned(self, *, new: bool) -> Iterator[None]:
        """Within it, this process alone writes here.

        A folder in which nothing was written by the end of it is removed again. Inside
        another `owned` of the same object, this one does nothing.

        Args:
          new: whether a run is to begin here, so that none may be there.

        Raises:
          InputError: if another process owns it (named), or a run is there.
          MachineError: if the folder cannot be made or the lock not written.
        """
        if self._is_owned:
            yield
            return
        doing = f"run_dir {self.path} cannot be made"
        self._made += files.make_folder(self.path, doing)
        lock = Lock(self.path / LOCK)

        def release() -> None:
            lock.release()
            with suppress(OSError):  # it holds something, which stays
                for path in dict.fromkeys((self.path, *self._made)):
                    path.rmdir()

        with signals.at_end(release):
            try:
                lock.take()
                self._is_owned = True
                if new:
                    self._check_new()
                unfinished.remove(self.path)
                yield
            finally:
                self._is_owned = False
                release()

    def _check_new(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"run_dir {self.path} must be a folder; it is a file.")
        if self.config.exists():
            raise InputError(
                f"run_dir {self.path} already holds a run; go on with it "
                f"(resume={self.path}) or choose another."
            )

    def create(self, config: RunConfig) -> None:
        """Writes what is known before the run starts.

        Raises:
          InputError, MachineError: if that is impossible; what was there is untouched.
        """
        files.make_folder(self.path, f"run_dir {self.path} cannot be made")
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
        return run_config.load(content, stored=True)

    @property
    def is_kept(self) -> bool:
        """Whether it holds a learner that can act, and nothing to train on with."""
        return self.policy.exists() and not self.checkpoints.exists()

    def write_manifest(self) -> None:
        """Records how this start came about (`experiment.run.manifest`)."""
        manifest.record(self.manifest)

    def read_summary(self) -> dict[str, Any] | None:
        """The outcome; None where the run has not come to its end.

        Raises:
          InputError: if it cannot be read.
        """
        return files.mapping(self.summary) if self.summary.exists() else None

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Records the outcome."""
        files.write_json(self.summary, summary)


class Visited(RunFolder):
    """A run folder that another process of the same run owns, and writes."""

    @contextmanager
    def owned(self, *, new: bool) -> Iterator[None]:
        """Nothing is to be taken: process 0 holds the lock."""
        yield

    def create(self, config: RunConfig) -> None:
        """It does."""

    def write_manifest(self) -> None:
        """It does."""

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """It does."""


def shared(choose: Callable[[], RunFolder]) -> RunFolder:
    """The folder that process 0 has chosen, in each process of a run."""
    crew, found = hosts.here(), []

    def path() -> str:
        found.append(choose())
        return str(found[0].path.resolve())

    told = crew.told(path)
    return found[0] if found else Visited(Path(told))


def _reserved(config: RunConfig) -> RunFolder:
    """Makes a folder that no other process has, however many start in one second."""
    time = datetime.now().strftime("%Y%m%d-%H%M%S")
    env = config.env.name.replace("/", "-")
    name = f"{env}-{config.core.name}-{config.agent.name}-{time}"
    runs = Path("runs")
    made: list[Path] = []
    for number in range(1, 10_000):
        # Another process that was refused may just have removed it again.
        made += files.make_folder(runs, f"the folder {runs} cannot be made")
        path = runs / (name if number == 1 else f"{name}-{number}")
        try:
            with told(f"run folder {path} cannot be made"):
                path.mkdir()
        except InputError as error:
            if isinstance(error.__cause__, FileExistsError | FileNotFoundError):
                continue
            raise
        folder = RunFolder(path)
        folder._made = [path, *made]
        return folder
    raise InputError(f"{runs} holds 10,000 folders named {name}.")
