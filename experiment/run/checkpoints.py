"""Which checkpoint counts: the newest that is whole.

    checkpoints/29   37   37.damaged      37.new, 29.old: of a process that died

A checkpoint is written under another name, brought to the disk, and then renamed: its
name counts only once everything in it does. What is in one, and how damage is noticed,
is said in `experiment.run.records`.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from experiment import faults, files
from experiment.errors import InputError, told
from experiment.run import hosts, records, unchanged
from experiment.run.records import Damaged, Record
from experiment.run.values import Storage, check_fits
from experiment.setup.config import RunConfig

KEPT = 2  # the newest, and one to fall back on
STAYS = "stays"
LEFTOVERS = ("*.new", "*.old", "*.orbax-checkpoint-tmp*")


class NoCheckpoint(InputError):
    """Nothing was ever saved: such a run can begin anew and loses nothing."""


class Checkpoints:
    """The learners of all seeds by number of updates."""

    def __init__(self, folder: Path, config: RunConfig | None = None):
        """Nothing is read or written yet.

        Args:
          folder: where checkpoints are, or will be.
          config: of the run; what is saved will say so, and what is restored must be
            of it. None: neither.
        """
        self._folder = folder.resolve()
        self._config = config
        self._storage = Storage()

    @property
    def steps(self) -> list[int]:
        """Numbers of updates that have a checkpoint, whole or not; the newest last."""
        names = [name for name in self._names() if re.fullmatch(r"0|[1-9][0-9]*", name)]
        return sorted(map(int, names))

    def save(self, update: int, learners: Any) -> None:
        """Writes a checkpoint, and then removes all but the newest `KEPT`.

        Raises:
          InputError, MachineError: if it cannot be written; the others stay.
        """
        path = self._folder / str(update)
        with _told_of_saving(path):
            crew, fresh = hosts.here(), path.with_name(f"{update}.new")
            if crew.told(lambda: self._prepared(path, fresh, update)) == STAYS:
                return
            try:
                self._write(fresh, update, learners)
                faults.point("in-save")
                if crew.writes:
                    fresh.rename(path)
                    files.sync_folder(self._folder)
            except BaseException:
                if crew.writes:
                    shutil.rmtree(fresh, ignore_errors=True)
                raise
            crew.wait("saved")
        if not crew.writes:
            return
        for step in self.steps[:-KEPT]:
            self._remove(step)

    def restore(self, like: Any, *, own: bool = False) -> tuple[int, Any]:
        """Reads the newest checkpoint that is whole; says so if there is a newer one.

        Args:
          like: learners as shapes and types (`jax.eval_shape`), with the shardings that
            they shall have, or none for the default device. Where they lay when they
            were saved does not matter.
          own: this process goes on with the run: what dead ones left is removed, and
            damaged checkpoints are renamed. Otherwise nothing in the folder changes.

        Returns:
          `(update, learners)`.

        Raises:
          NoCheckpoint: if there never was one.
          InputError: if none is whole; or the newest whole one is of another
            configuration, a newer format or another generator of random numbers.
        """
        if own and hosts.here().writes:
            self.sweep()
        damaged: dict[int, str] = {}
        steps = json.loads(hosts.here().told(lambda: json.dumps(self.steps)))
        for update in reversed(steps):
            path = self._folder / str(update)
            try:
                learners = self._read(path, update, like)
            except Damaged as error:
                if not path.exists():  # the run goes on elsewhere, and removed it
                    return self.restore(like, own=own)
                damaged[update] = str(error)
            else:
                for step, reason in damaged.items():
                    self._tell(step, reason, update, own)
                return update, learners
        raise self._nothing(damaged)

    def sweep(self) -> None:
        """Removes what processes that died have left half-written or half-removed."""
        for pattern in LEFTOVERS:
            for path in self._folder.glob(pattern):
                shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        self._storage.close()

    def _names(self) -> list[str]:
        try:
            return [path.name for path in self._folder.iterdir() if path.is_dir()]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _prepared(self, path: Path, fresh: Path, update: int) -> str:
        """Makes the folder that is written to, unless the checkpoint `STAYS`."""
        self.sweep()
        if path.exists() and self._keeps(path, update):
            return STAYS
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        return ""

    def _write(self, fresh: Path, update: int, learners: Any) -> None:
        folder = fresh / records.VALUES
        values = self._storage.write(folder, learners)
        if not hosts.here().writes:
            return
        files.sync_tree(fresh)
        config = None if self._config is None else unchanged.plain(self._config)
        written = records.digest_files(folder)
        records.write(fresh, Record(update, values, config, written))

    def _read(self, path: Path, update: int, like: Any) -> Any:
        # What process 0 finds damaged is damaged for all, who read it together.
        crew = hosts.here()
        if crew.count > 1 and (reason := crew.told(lambda: _damage(path, update))):
            raise Damaged(reason)
        record = records.read(path, update)
        if self._config is not None and record.config is not None:
            check_config(path, record.config, self._config)
        check_fits(path, record.values, like)
        return self._storage.read(path / records.VALUES, record.values, like)

    def _keeps(self, path: Path, update: int) -> bool:
        """Whether a checkpoint is whole and so need not be written; else sets it aside.

        Raises:
          OSError: if it can neither stay nor be renamed.
        """
        try:
            records.read(path, update)
        except Damaged:
            self._set_aside(path)
            return False
        return True

    def _set_aside(self, path: Path) -> Path:
        aside, more = path.with_name(f"{path.name}.damaged"), 1
        while aside.exists():
            more += 1
            aside = path.with_name(f"{path.name}.damaged-{more}")
        return path.rename(aside)

    def _tell(self, step: int, reason: str, used: int, own: bool) -> None:
        path, aside = self._folder / str(step), ""
        if own and hosts.here().writes:
            with suppress(OSError):  # the older one is as good where nothing can change
                aside = f", set aside as {self._set_aside(path).name}"
        print(
            f"checkpoint {path} is damaged ({reason}){aside}; the one of update {used} "
            "is used.",
            flush=True,
        )

    def _nothing(self, damaged: Mapping[int, str]) -> InputError:
        said = [f"{step} ({reason})" for step, reason in damaged.items()]
        said += [name for name in self._names() if ".damaged" in name]
        if said:
            return InputError(
                f"checkpoints in {self._folder} are damaged, and none is whole: "
                f"{', '.join(said)}."
            )
        return NoCheckpoint(
            f"no checkpoint in {self._folder}: the run stopped before its first; "
            "delete its folder to start again."
        )

    def _remove(self, step: int) -> None:
        """Its name goes first, so that nobody takes what is left for damaged."""
        with suppress(OSError):
            path = self._folder / str(step)
            shutil.rmtree(path.rename(path.with_name(f"{step}.old")))


def _damage(path: Path, update: int) -> str:
    """What is wrong with a checkpoint's files, or nothing."""
    try:
        records.read(path, update)
    except Damaged as error:
        return str(error)
    return ""


def check_config(path: Path, stored: Mapping[str, Any], config: RunConfig) -> None:
    """Compares the configuration that a checkpoint is of with its run's.

    Raises:
      InputError: naming what differs.
    """
    found = unchanged.changes(stored, config)
    if found:
        more = f", and {len(found) - 3} more" if len(found) > 3 else ""
        raise InputError(
            f"checkpoint {path} is of another configuration: {'; '.join(found[:3])}"
            f"{more}."
        )


@contextmanager
def _told_of_saving(path: Path) -> Iterator[None]:
    with told(f"checkpoint {path} cannot be saved"):
        try:
            yield
        except Exception as error:
            # What the system said, when it was not Python that asked.
            code = re.search(r"os_error_code='(\d+)'", str(error))
            if code is None:
                raise
            raise OSError(int(code[1]), os.strerror(int(code[1]))) from error
