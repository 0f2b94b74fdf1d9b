"""clock.csv: wall clock by update, so that curves can have a time axis.

Apart from metrics.csv, which holds nothing that depends on time. Seconds count from the
first start, compiling included; while a run stood still, and what it had to do again,
do not count.
"""

import time
from contextlib import suppress
from pathlib import Path

from experiment import files
from experiment.errors import RunError, told

HEADER = "update,seconds"
MOST = 2**31  # bytes; a line has about twenty


class Clock:
    """Seconds of work behind each log point.

    Args:
      path: of the file. One that cannot be read is begun anew: it decides nothing.
      last_update: of the checkpoint that is gone on from; later lines are dropped.
      began: `time.perf_counter()` when this start began.
    """

    def __init__(self, path: Path, last_update: int, began: float):
        self.path = path
        kept = [point for point in read(path) if point[0] <= last_update]
        self._began = began - (kept[-1][1] if kept else 0.0)
        lines = [HEADER, *(f"{update},{seconds:.3f}" for update, seconds in kept)]
        files.write(path, "".join(f"{line}\n" for line in lines))

    def note(self, update: int) -> None:
        """Adds a log point.

        Raises:
          MachineError: if it cannot be written.
        """
        seconds = time.perf_counter() - self._began
        with told(f"{self.path} cannot be written"), self.path.open("a") as file:
            file.write(f"{update},{seconds:.3f}\n")


def read(path: Path) -> list[tuple[int, float]]:
    """`(update, seconds)` of each log point, in order; nothing of a damaged file."""
    points: list[tuple[int, float]] = []
    with suppress(RunError, ValueError):
        for line in files.read(path, MOST).splitlines()[1:]:
            update, seconds = line.split(",")
            points.append((int(update), float(seconds)))
    return points
