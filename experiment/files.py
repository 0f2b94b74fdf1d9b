"""Files that are replaced whole, and never rewritten in place.

A kill, a full disk or a pulled plug leaves the old one or the new one, never a part.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from experiment import faults
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
