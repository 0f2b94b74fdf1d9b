"""Whether the rows of metrics.csv are those of whole log points."""

from collections.abc import Mapping
from pathlib import Path

from experiment.errors import InputError
from experiment.run.metrics import Row


class LogPoints:
    """Whether log points have a row of each seed. It holds one log point at a time.

    `update` is that of the last one.
    """

    def __init__(self, path: Path, num_seeds: int, ended: Mapping[int, int]):
        self.update = 0
        self._path, self._num_seeds, self._ended = path, num_seeds, ended
        self._seeds: list[int] = []

    def add(self, row: Row) -> None:
        """The next row.

        Raises:
          InputError: if the log point that it ends is not whole.
          ValueError: if it goes back.
        """
        update = row["update"]
        if update < max(self.update, 1):
            raise ValueError(f"update {update} must not follow update {self.update}")
        if update > self.update:
            self._check()
            self.update, self._seeds = update, []
        self._seeds.append(row["seed"])
        if len(self._seeds) > self._num_seeds:
            self._check()

    def end(self, last_update: int) -> None:
        """There are no more.

        Raises:
          InputError: if the last log point is another one, or not whole.
        """
        if self.update != last_update:
            raise InputError(
                f"{self._path} must reach the checkpoint of update {last_update}; its "
                f"rows end at update {self.update}: restore the file, or delete it to "
                "go on without its rows."
            )
        self._check()

    def _check(self) -> None:
        update, ended = self.update, self._ended
        wanted = [
            seed
            for seed in range(self._num_seeds)
            if update and update < ended.get(seed, update + 1)
        ]
        if self._seeds != wanted:
            raise InputError(
                f"{self._path} is damaged: update {update} must have rows of seeds "
                f"{wanted}; got {self._seeds}."
            )
