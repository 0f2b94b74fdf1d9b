"""What is written of a run while it goes on: rows, times, curves, and what is shown."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from experiment import faults
from experiment.run import boards, hosts
from experiment.run.clock import Clock
from experiment.run.learners import Learners
from experiment.run.metrics import Row
from experiment.run.metrics_file import MetricsFile
from experiment.run.progress import Ticker
from experiment.run.run_folder import RunFolder
from experiment.run.weights_and_biases import WeightsAndBiases
from experiment.setup.config import RunConfig


class NoBooks:
    """Of a process that writes nothing."""

    speed = 0.0  # environment steps of all learners together per second

    def log(self, rows: Sequence[Row], update: int) -> None:
        """Takes in a log point."""

    def sync(self) -> None:
        """Brings everything to the disk: a checkpoint must not outlive its rows."""

    def leave_terminal(self) -> None:
        """Ends what moves there."""

    def sum_up(self, summary: Mapping[str, Any]) -> None:
        """Takes in what came out of a complete run, as summary.json has it."""

    def close(self) -> None:
        """Ends them; what could not be written was said before."""


class Books(NoBooks):
    """Those of the process that writes, open from now on.

    Args:
      config: of the run.
      folder: that is written into.
      done: updates behind what is gone on from.
      began: `time.perf_counter()` when this start began.
    """

    def __init__(self, config: RunConfig, folder: RunFolder, done: int, began: float):
        steps = config.agent.options.steps_per_update
        learners = Learners.of(config)
        self._file = MetricsFile(folder.metrics, learners)
        self._clock = Clock(folder.clock, done, began)
        self._config, self._folder = config, folder
        self._board = boards.TensorBoard(
            folder.tensorboard, start=done * steps, learners=learners
        )
        self._wandb = None
        if config.schedule.wandb != "off":
            self._wandb = WeightsAndBiases(folder, config)
        total = config.num_updates * steps
        self._ticker = Ticker(total, done * steps, config.num_learners)

    @property
    def speed(self) -> float:
        return self._ticker.speed

    def log(self, rows: Sequence[Row], update: int) -> None:
        self._file.append(rows)
        faults.point("in-log")
        self._clock.note(update)
        self._ticker.show(rows)
        self._board.write(rows, self._ticker.speed)
        if self._wandb is not None:
            self._wandb.write(rows, self._ticker.speed)

    def sync(self) -> None:
        self._file.sync()
        self._board.flush()

    def leave_terminal(self) -> None:
        with suppress(OSError):  # it is gone
            self._ticker.close()

    def sum_up(self, summary: Mapping[str, Any]) -> None:
        boards.note_settings(
            self._board, self._folder.tensorboard, self._config, summary
        )
        if self._wandb is not None and self._config.schedule.wandb_artifact:
            self._wandb.store(self._folder)

    def close(self) -> None:
        self.leave_terminal()
        self._board.close()
        if self._wandb is not None:
            self._wandb.close()


def opened(config: RunConfig, folder: RunFolder, done: int, began: float) -> NoBooks:
    """The books of this process; see `Books`."""
    if not hosts.here().writes:
        return NoBooks()
    return Books(config, folder, done, began)
