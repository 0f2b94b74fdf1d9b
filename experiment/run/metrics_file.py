"""metrics.csv: a row per log point and seed, appended as they come.

The one file of a run that grows in place. What a kill tore is mended when the run goes
on; what cannot be mended is refused before anything compiles, and not after hours.
"""

import csv
import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from experiment import faults, files
from experiment.errors import InputError, told
from experiment.run.learners import INDEX, SETTING, Learners
from experiment.run.log_points import LogPoints
from experiment.run.metrics import Row

MOST_LINE = 2**20  # bytes; a row has a few hundred


class MetricsFile:
    """The file, and what it must hold for a run to go on."""

    def __init__(self, path: Path, learners: Learners | None = None):
        """Nothing is read yet; `learners` says how they are named in it."""
        self.path, self._learners = path, learners or Learners()

    def cut(
        self,
        last_update: int,
        *,
        num_seeds: int,
        ended: Mapping[int, int] | None = None,
    ) -> None:
        """Drops rows after an update: what an interrupted run wrote and will redo.

        They are the end of the file, and it is cut there. A line that a kill cut short
        is dropped as well.

        Args:
          last_update: of the checkpoint that is gone on from.
          num_seeds: S; each log point must have a row of each seed ...
          ended: ... but for those that diverged, by the update at which they did.

        Raises:
          InputError: naming the line that is damaged, or the first that is missing.
          MachineError: if the file cannot be read or cut.
        """
        if not self.path.exists():
            if last_update:
                print(f"{self.path} is missing; rows begin anew after {last_update}.")
            return
        points = LogPoints(self.path, num_seeds, ended or {})
        size = self._kept(last_update, points)
        with told(f"{self.path} cannot be written"):
            if not size:
                self.path.unlink()
            elif size < self.path.stat().st_size:
                os.truncate(self.path, size)
        self.sync()

    def _kept(self, last_update: int, points: LogPoints) -> int:
        """Bytes of the header and the rows up to an update; damage after it is none.

        0 if there is no such row.
        """
        with self._lines() as lines:
            # A kill may have torn the last one.
            whole = itertools.takewhile(lambda line: line.endswith(b"\n"), lines)
            header = b""
            with suppress(ValueError):
                header = next(whole, b"")
            index = self._learners.columns
            if not header.startswith(",".join(index).encode()):
                if not last_update:
                    return 0  # nothing is lost: the run begins anew
                raise InputError(
                    f"{self.path} must begin with the names of its columns, "
                    f"{', '.join(index)} ...; got {header[:40]!r}: restore the file, "
                    "or delete it to go on without its rows."
                )
            size = len(header)
            try:
                for line, row in self._rows(_names(header), whole):
                    if row["update"] > last_update:
                        break
                    points.add(row)
                    size += len(line)
            except ValueError as error:
                said = f"{self.path} is damaged: {error}."
                if points.update < last_update:
                    raise InputError(said) from None
                print(f"{said} It is of after the checkpoint, and dropped.")
        points.end(last_update)
        return size if points.update else 0

    @contextmanager
    def _lines(self) -> Iterator[Iterator[bytes]]:
        """The file's lines, one at a time: it may be damaged, and of any size."""
        with told(f"{self.path} cannot be read"):
            try:
                files.check_file(self.path)
            except ValueError as error:
                raise InputError(f"{self.path} cannot be read: {error}.") from error
            with self.path.open("rb") as file:
                yield files.lines(file, MOST_LINE)

    def check_columns(self, names: Sequence[str]) -> None:
        """Whether rows of these metrics can be appended.

        Raises:
          InputError: naming the first column that differs.
        """
        if not self.path.exists():
            return
        with self._lines() as lines:
            there = _names(next(lines, b""))
        wanted = [*self._learners.columns, *names]
        if there == wanted:
            return
        pairs = zip([*there, None], [*wanted, None], strict=False)
        old, new = next(pair for pair in pairs if pair[0] != pair[1])
        raise InputError(
            f"{self.path} must have the columns that this version writes; it has {old} "
            f"where {new} is written: go on with the version that began the run."
        )

    def append(self, rows: Sequence[Row]) -> None:
        """Adds rows, with a header if they are the first.

        Raises:
          MachineError: if they cannot be written.
        """
        if not rows:
            return
        with told(f"{self.path} cannot be written"):
            new = not self.path.exists()
            written = [self._learners.written(row) for row in rows]
            with self.path.open("a", newline="") as file:
                writer = csv.DictWriter(file, list(written[0]))
                if new:
                    writer.writeheader()
                faults.point("in-row")
                writer.writerows([{k: _text(v) for k, v in r.items()} for r in written])

    def sync(self) -> None:
        """Brings the rows to the disk: a checkpoint must not outlive its rows."""
        if not self.path.exists():
            return
        with told(f"{self.path} cannot be written"), self.path.open("rb") as file:
            os.fsync(file.fileno())

    def read(self) -> list[Row]:
        """All rows; numbers as numbers, and None where nothing was measured.

        Raises:
          InputError, MachineError: if it cannot be read.
          ValueError: naming the first line that is damaged.
        """
        if not self.path.exists():
            return []
        with self._lines() as lines:
            names = _names(next(lines, b""))
            return [row for _, row in self._rows(names, lines)]

    def _rows(
        self, names: Sequence[str], lines: Iterable[bytes]
    ) -> Iterator[tuple[bytes, Row]]:
        """Lines after the header, and their values by column.

        Raises:
          ValueError: naming the line that is damaged.
        """
        for number, line in enumerate(lines, start=2):
            try:
                yield line, self._learners.read(_parsed(names, line))
            except ValueError as error:
                raise ValueError(f"line {number} must hold numbers; {error}") from None
            except KeyError as error:
                raise ValueError(f"there is no column {error}") from None


def _text(value: int | float | None) -> str:
    # repr of a float is the shortest text that reads back as the same float.
    return "" if value is None else repr(value)


def _names(header: bytes) -> list[str]:
    return header.decode("ascii", "replace").strip().split(",")


def _parsed(names: Sequence[str], line: bytes) -> Row:
    """A line's values by column.

    Raises:
      ValueError: saying what is wrong.
    """
    try:
        values = line.decode("ascii").strip().split(",")
    except UnicodeDecodeError:
        raise ValueError(f"got bytes {line[:20]!r}") from None
    if len(values) != len(names):
        raise ValueError(f"got {len(values)} values for {len(names)} columns")
    return {n: _number(n, v) for n, v in zip(names, values, strict=True)}


def _number(name: str, text: str) -> int | float | None:
    whole = name in (*INDEX, SETTING)
    if text == "":
        if whole:
            raise ValueError(f"{name} must be an integer; got nothing")
        return None
    try:
        return int(text) if whole else float(text)
    except ValueError:
        kind = "an integer" if whole else "a number"
        raise ValueError(f"{name} must be {kind}; got {text[:20]!r}") from None
