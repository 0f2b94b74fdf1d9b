"""What stands beside a checkpoint's values, so that no damage is read as numbers.

    37/values/...      the values, as Orbax stores them
    37/record.json     a digest of each value and each file, the configuration, the
                       format's version, and a digest of all this

The values' digests hold whatever stores them: those of a checkpoint of today are those
that any later version must read. The files' digests come first, so that nothing damaged
is handed to a reader that trusts sizes. The rule of the record's own digest (`_seal`)
belongs to every version: it tells a newer record from a damaged one.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiment import files
from experiment.errors import InputError, RunError

FORMAT = 1
NAME = "record.json"
MOST = 2**26  # bytes; of an array or a file it has about two hundred
VALUES = "values"
# Where each array lay. Values are read as plain arrays, on any device, without it.
UNREAD = {"_sharding"}


class Damaged(Exception):
    """A checkpoint is not what was written; the message says in what."""


@dataclass(frozen=True)
class Value:
    """What an array was when it was saved."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str
    prng: str | None = None  # of random keys: the generator that they are for

    @classmethod
    def of(cls, array: np.ndarray, prng: str | None = None) -> "Value":
        """Describes an array; `prng` is not in its bits and has to be told."""
        head = f"{array.dtype.name}{list(array.shape)}".encode()
        digest = hashlib.sha256(head + array.tobytes()).hexdigest()
        return cls(array.dtype.name, tuple(array.shape), digest, prng)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        keys = "" if self.prng is None else f"keys of {self.prng}, "
        return f"{keys}{self.dtype}{list(self.shape)}"


@dataclass(frozen=True)
class Record:
    """Everything about a checkpoint but its numbers."""

    update: int
    values: Mapping[str, Value]  # by name
    config: Mapping[str, Any] | None  # as `dump` gives it; None if nobody told
    files: Mapping[str, str]  # sha256 by path inside `values/`
    format: int = FORMAT


def digest_files(folder: Path) -> dict[str, str]:
    """The sha256 of every file that reading depends on, by path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in UNREAD:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = digest
    return found


def write(checkpoint: Path, record: Record) -> None:
    """Writes the record into a checkpoint's folder.

    Raises:
      MachineError: if that is impossible.
    """
    content = asdict(record)
    content["sha256"] = _seal(content)
    files.write(checkpoint / NAME, json.dumps(content) + "\n")


def read(checkpoint: Path, update: int | None = None) -> Record:
    """The record of a checkpoint whose files are all as they were written.

    Args:
      checkpoint: its folder.
      update: that it is to be of; None: whichever.

    Raises:
      Damaged: if one is not, or the record is not, or is of another update.
      InputError: if it is of a newer format than this version knows.
    """
    try:
        if not (checkpoint / NAME).exists():
            raise Damaged(f"it has no {NAME}, as of versions before it")
        content = json.loads(files.read(checkpoint / NAME, MOST))
    except (OSError, RunError, ValueError, RecursionError) as error:
        raise Damaged(f"its {NAME} cannot be read") from error
    if not isinstance(content, dict) or content.pop("sha256", None) != _seal(content):
        raise Damaged(f"its {NAME} is not what was written")
    if content["format"] > FORMAT:
        raise InputError(
            f"checkpoint {checkpoint} has format {content['format']}, and this version "
            f"of S5RL reads formats up to {FORMAT}: use the version that wrote it."
        )
    values = {
        name: Value(**{**value, "shape": tuple(value["shape"])})
        for name, value in content.pop("values").items()
    }
    record = Record(values=values, **content)
    if update is not None and record.update != update:
        raise Damaged(f"it was written as the one of update {record.update}")
    _check_files(checkpoint / VALUES, record.files)
    return record


def _check_files(folder: Path, written: Mapping[str, str]) -> None:
    try:
        found = digest_files(folder)
    except OSError as error:
        raise Damaged(f"{error.filename or folder} cannot be read") from error
    for name, digest in written.items():
        if name not in found:
            raise Damaged(f"{folder.name}/{name} is missing")
        if found[name] != digest:
            raise Damaged(f"{folder.name}/{name} is not what was written")


def _seal(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
