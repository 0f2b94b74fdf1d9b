"""Files that are replaced whole, and never rewritten in place; and files of others.

A kill, a full disk or a pulled plug leaves the old one or the new one, never a part;
and who writes next removes what the killed have left beside it (`unfinished`).
What is read may come from anybody: no pipe is waited for, nothing endless is read.
"""

import csv
import io
import itertools
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from envs.fields import shown
from experiment import faults, signals, unfinished
from experiment.errors import InputError, told

MOST_JSON = 2**26  # bytes; the largest that we write have a few thousand


def read(path: Path, most: int) -> str:
    """The text of a file of at most so many bytes.

    Raises:
      InputError, MachineError: if it cannot be read.
      ValueError: if it is no file, larger, or not UTF-8.
    """
    with told(f"{path} cannot be read"):
        check_file(path, most)
        with path.open("rb") as file:
            data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most:,} bytes")
    return data.decode()


def mapping(path: Path) -> dict[str, Any]:
    """The mapping that a JSON file holds.

    Raises:
      InputError: if it cannot be read, or holds something else.
      MachineError: if the machine cannot read it.
    """
    try:
        content = json.loads(read(path, MOST_JSON))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold a mapping; got {shown(content)}.")
    return content


def lines(file: io.BufferedIOBase, most: int) -> Iterator[bytes]:
    """The lines of an open file as they are; one that does not end is not waited for.

    Raises:
      ValueError: naming the first line of more than so many bytes.
    """
    for number in itertools.count(1):
        line = file.readline(most + 1)
        if len(line) > most:
            raise ValueError(f"line {number} is longer than {most:,} bytes")
        if not line:
            return
        yield line


def check_file(path: Path, most: int | None = None) -> None:
    """Refuses what is no plain file (a pipe would be waited for), or a larger one.

    Raises:
      OSError: if it is not there, or cannot be looked at.
      ValueError: if it is no file, or larger than `most` bytes.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("it is no file")
    if most is not None and found.st_size > most:
        raise ValueError(f"it is larger than {most:,} bytes")


def write(path: Path, content: str | bytes) -> None:
    """Replaces a file, or makes it.

    The new content is written beside it, brought to the disk (`fsync`), and then takes
    the old one's name, which is brought to the disk as well.

    Raises:
      InputError, MachineError: if it cannot be written; the old file is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    unfinished.remove(path.parent)
    beside = unfinished.beside(path)
    with told(f"{path} cannot be written"):
        try:
            with beside.open("wb") as file, unfinished.kept(beside):
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
    unfinished.remove(path.parent)
    beside = unfinished.beside(path)
    make_folder(beside, f"{path} cannot be made")

    def remove() -> None:
        shutil.rmtree(beside, ignore_errors=True)

    with signals.at_end(remove):
        try:
            with unfinished.kept(beside):
                yield beside
                with told(f"{path} cannot be made"):
                    beside.rename(path)
                    sync_folder(path.parent)
        finally:
            remove()


def check_room(path: Path, size: int) -> None:
    """Takes so many bytes on the disk and gives them back.

    For writers that cannot fail well: Orbax's threads each print a traceback when the
    disk is full.

    Raises:
      OSError: if there is no room for them.
    """
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    path.unlink()


def sync_folder(folder: Path) -> None:
    """Brings a folder's names to the disk, so that a rename outlives a pulled plug."""
    sync(folder)


def sync_tree(folder: Path) -> None:
    """Brings everything in a folder to the disk, that others have written there."""
    for path, _, names in os.walk(folder, topdown=False):
        for name in names:
            sync(Path(path, name))
        sync(Path(path))


def make_folder(path: Path, doing: str) -> list[Path]:
    """Makes a folder and those above it; returns those that are new, inner ones first.

    Raises:
      InputError, MachineError: beginning with `doing`, if that is impossible.
    """
    with told(doing):
        made = list(
            itertools.takewhile(lambda p: not p.exists(), (path, *path.parents))
        )
        path.mkdir(parents=True, exist_ok=True)
    return made


def sync(path: Path) -> None:
    """Brings a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
