"""metrics.csv: a row per log point and seed, appended as they come.

The one file of a run that grows in place. What a kill tore is mended when the run goes
on; what cannot be mended is refused before anything compiles, and not after hours.
"""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from experiment import faults, files
from experiment.errors import InputError, told
from experiment.run.metrics import INDEX, Row


class MetricsFile:
    """The file, and what it must hold for a run to go on."""

    def __init__(self, path: Path):
        self.path = path

    def cut(
        self,
        last_update: int,
        *,
        num_seeds: int,
        ended: Mapping[int, int] | None = None,
    ) -> None:
        """Drops rows after an update: what an interrupted run wrote and will redo.

        Lines are kept or dropped as they are, and a line that a kill cut short is
        dropped. The file is replaced whole, so being killed here loses nothing.

        Args:
          last_update: of the checkpoint that is gone on from.
          num_seeds: S; each log point must have a row of each seed ...
          ended: ... but for those that diverged, by the update at which they did.

        Raises:
          InputError: naming the line that is damaged, or the first that is missing.
        """
        if not self.path.exists():
            if last_update:
                print(f"{self.path} is missing; rows begin anew after {last_update}.")
            return
        with told(f"{self.path} cannot be read"):
            data = self.path.read_bytes()
        header, *lines = data.split(b"\n")[:-1] or [b""]  # the last one may be torn
        if not header.startswith(",".join(INDEX).encode()):
            if last_update:
                raise InputError(
                    f"{self.path} must begin with the names of its columns, "
                    f"{', '.join(INDEX)} ...; got {header[:40]!r}: restore the file, "
                    "or delete it to go on without its rows."
                )
            self.path.unlink()
            return
        kept = self._kept(header, lines, last_update)
        self._check_whole(kept, last_update, num_seeds, ended or {})
        if not kept:
            self.path.unlink()
            return
        content = b"".join(line + b"\n" for line in (header, *kept))
        if content != data:
            files.write(self.path, content)

    def _kept(
        self, header: bytes, lines: Sequence[bytes], last_update: int
    ) -> list[bytes]:
        """Lines up to an update, as they are; damage after it is none."""
        names = header.decode("ascii", "replace").strip().split(",")
        kept, reached = [], 0
        for number, line in enumerate(lines, start=2):
            try:
                row = _parsed(names, line)
            except ValueError as error:
                said = f"{self.path} is damaged: line {number} must hold numbers; "
                if reached < last_update:
                    raise InputError(f"{said}{error}.") from None
                print(f"{said}{error}. It is of after the checkpoint, and dropped.")
                break
            reached = row["update"]
            if reached <= last_update:
                kept.append(line)
        return kept

    def _check_whole(
        self,
        kept: Sequence[bytes],
        last_update: int,
        num_seeds: int,
        ended: Mapping[int, int],
    ) -> None:
        """Each log point has its seeds, and the last is that of the checkpoint."""
        points: dict[int, list[int]] = {}
        for line in kept:
            _, update, seed = map(int, line.split(b",", 3)[:3])
            points.setdefault(update, []).append(seed)
        if last_update and max(points, default=0) != last_update:
            raise InputError(
                f"{self.path} must reach the checkpoint of update {last_update}; its "
                f"rows end at update {max(points, default=0)}: restore the file, or "
                "delete it to go on without its rows."
            )
        for update, seeds in points.items():
            wanted = [s for s in range(num_seeds) if update < ended.get(s, update + 1)]
            if seeds != wanted:
                raise InputError(
                    f"{self.path} is damaged: update {update} must have rows of seeds "
                    f"{wanted}; got {seeds}."
                )

    def check_columns(self, names: Sequence[str]) -> None:
        """Whether rows of these metrics can be appended.

        Raises:
          InputError: naming the first column that differs.
        """
        if not self.path.exists():
            return
        with self.path.open(newline="") as file:
            there = next(csv.reader(file), [])
        wanted = [*INDEX, *names]
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
            with self.path.open("a", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                if new:
                    writer.writeheader()
                faults.point("in-row")
                writer.writerows([{k: _text(v) for k, v in r.items()} for r in rows])

    def sync(self) -> None:
        """Brings the rows to the disk: a checkpoint must not outlive its rows."""
        if not self.path.exists():
            return
        with told(f"{self.path} cannot be written"), self.path.open("rb") as file:
            os.fsync(file.fileno())

    def read(self) -> list[Row]:
        """All rows; numbers as numbers, and None where nothing was measured."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [
                {k: _number(k, v) for k, v in row.items()}
                for row in csv.DictReader(file)
            ]


def _text(value: int | float | None) -> str:
    # repr of a float is the shortest text that reads back as the same float.
    return "" if value is None else repr(value)


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
    if text == "":
        if name in INDEX:
            raise ValueError(f"{name} must be an integer; got nothing")
        return None
    try:
        return int(text) if name in INDEX else float(text)
    except ValueError:
        kind = "an integer" if name in INDEX else "a number"
        raise ValueError(f"{name} must be {kind}; got {text[:20]!r}") from None
