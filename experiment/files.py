"""Files that are replaced whole, and never rewritten in place.

A kill, a full disk or a pulled plug leaves the old one or the new one, never a part.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from experiment import faults, signals
from experiment.errors import told


def write(path: Path, content: str | bytes) -> None:
    """Replaces a file, or makes it.

    The new content is written beside it, brought to the disk (`fsync`), and then takes
    the old one's name, which is brought to the disk as well.

    Raises:
      InputError, MachineError: if it cannot be written; the old file is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}.new")
    with told(f"{path} cannot be written"):
        try:
            with beside.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            faults.point("before-rename")
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces a file by readable JSON; see `write`."""
    write(path, json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Replaces a file by rows of comma-separated values; see `write`."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    write(path, text.getvalue())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """A folder that is there whole or not at all: filled beside, then renamed.

    Yields:
      Where to write. If that ends early, by an error or by a signal, nothing is left.

    Raises:
      InputError, MachineError: if it cannot be made; `path` must not be there yet.
    """
    beside = path.with_name(f".{path.name[:200]}.{os.getpid()}.new")
    make_folder(beside, f"{path} cannot be made")

    def remove() -> None:
        shutil.rmtree(beside, ignore_errors=True)

    with signals.at_end(remove):
        try:
            yield beside
            with told(f"{path} cannot be made"):
                beside.rename(path)
                sync_folder(path.parent)
        finally:
            remove()


def remove_leftovers(folder: Path) -> None:
    """Removes what `write` and `new_folder` left where a process was killed in them.

    Only its owner may: another process's files look the same while it writes them.
    """
    for path in folder.glob(".*.new"):
        with suppress(OSError):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sync_folder(folder: Path) -> None:
    """Brings a folder's names to the disk, so that a rename outlives a pulled plug."""
    _sync(folder)


def sync_tree(folder: Path) -> None:
    """Brings everything in a folder to the disk, that others have written there."""
    for path, _, names in os.walk(folder, topdown=False):
        for name in names:
            _sync(Path(path, name))
        _sync(Path(path))


def make_folder(path: Path, doing: str) -> None:
    """Makes a folder and those above it.

    Raises:
      InputError, MachineError: beginning with `doing`, if that is impossible.
    """
    with told(doing):
        path.mkdir(parents=True, exist_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
