"""TensorBoard: curves to watch while a run goes on, and settings beside what they gave.

W&B takes the same points (`experiment.run.weights_and_biases`).
"""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from experiment import files
from experiment.errors import told
from experiment.run import outcome
from experiment.run.learners import INDEX, Learners
from experiment.run.metrics import Row
from experiment.run.unchanged import FREE
from experiment.setup import config as run_config
from experiment.setup import keys
from experiment.setup.config import RunConfig

SHOWN = 5.0  # seconds after which points are on the disk, which tensorboardX waits for
SPEED = "time/steps_per_second"
RETURN = "final_return"  # what the HPARAMS tab compares settings by


class TensorBoard:
    """One curve for each learner.

    tensorboardX's writer hands events to a thread, where a full disk becomes a
    traceback and then a run that waits for ever; its file format is written here as the
    rows come.
    """

    def __init__(self, folder: Path, *, start: int, learners: Learners):
        """Opens a file of its own for this start.

        Args:
          folder: for such files alone.
          start: environment steps behind what is gone on from.
          learners: that rows are of.

        Raises:
          InputError, MachineError: if the folder or the file cannot be made.
        """
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2

        self._proto: Any = event_pb2  # made at run time: type checkers see nothing
        files.make_folder(folder, f"{folder} cannot be made")
        self._learners, self._doing = learners, f"{folder} cannot be written"
        with told(self._doing):
            self._writer = EventsWriter(str(folder / "events"), f".{os.getpid()}")
            # Points of an interrupted run after its checkpoint are purged from the
            # curves. Points at `start` itself were drawn before it and stay.
            if start:
                log = self._proto.SessionLog(status=self._proto.SessionLog.START)
                self._write(step=start + 1, session_log=log)
        self.flush()

    def write(self, rows: Sequence[Row], speed: float) -> None:
        """Draws one log point; `speed` in environment steps of all seeds per second.

        Raises:
          MachineError: if it cannot be written.
        """
        drawn = points(rows, speed, self._learners)
        with told(self._doing):
            self._write(step=rows[0]["env_steps"], summary=_scalars(drawn))
        if time.perf_counter() - self._flushed > SHOWN:
            self.flush()

    def note(self, step: int, config: RunConfig, found: Mapping[str, Any]) -> None:
        """For the HPARAMS tab: what was set, and what came of it.

        Args:
          step: environment steps of each learner.
          config: of one setting.
          found: of one setting; without a return, nothing is noted.

        Raises:
          MachineError: if it cannot be written.
        """
        from tensorboardX import summary

        if found.get(RETURN) is None:
            return
        came = {RETURN: found[RETURN]}
        with told(self._doing):
            for part in summary.hparams(_hyperparameters(config), came):
                self._write(summary=part)
            self._write(step=step, summary=_scalars(came))

    def _write(self, **event: Any) -> None:
        self._writer.write_event(self._proto.Event(wall_time=time.time(), **event))

    def flush(self) -> None:
        """Brings the points to the disk.

        Raises:
          MachineError: if they cannot be written.
        """
        with told(self._doing):
            self._writer.flush()
        self._flushed = time.perf_counter()

    def close(self) -> None:
        """Ends this start's file."""
        with suppress(OSError):  # what was not written was said before
            self._writer.close()


def note_settings(
    board: TensorBoard, folder: Path, config: RunConfig, summary: Mapping[str, Any]
) -> None:
    """Notes what came of a complete run; of several settings, a row of the tab each.

    The tab has a row for a folder, so settings have theirs below the run's own.

    Raises:
      MachineError: if they cannot be written.
    """
    step = summary["env_steps"]
    if not config.sweep:
        board.note(step, config, summary)
        return
    for setting, found in enumerate(summary[outcome.SETTINGS]):
        own = TensorBoard(
            folder / f"setting_{setting}", start=0, learners=Learners.of(config)
        )
        own.note(step, config.alone(setting), found)
        own.close()


def points(
    rows: Sequence[Row], speed: float, learners: Learners | None = None
) -> dict[str, float]:
    """What rows of one log point have measured, by name.

    Args:
      rows: of several learners, or of one.
      speed: environment steps of all learners together per second.
      learners: that rows are of, told apart by their names; None of a row alone.
    """
    found = {SPEED: speed}
    for row in rows:
        suffix = learners.tag(row["seed"]) if learners else ""
        found |= {
            f"{name}{suffix}": value
            for name, value in row.items()
            if name not in INDEX and value is not None
        }
    return found


def _scalars(values: Mapping[str, float]) -> Any:
    from tensorboardX.proto import summary_pb2

    kind: Any = summary_pb2.Summary  # type: ignore[attr-defined]
    return kind(value=[kind.Value(tag=n, simple_value=v) for n, v in values.items()])


def _hyperparameters(config: RunConfig) -> dict[str, Any]:
    """What decides a run, by key; lists as they are typed."""
    flat = keys.flat(run_config.dump(config))
    return {
        key: value if isinstance(value, str | bool | int | float) else str(value)
        for key, value in flat.items()
        if key not in FREE and value is not None
    }
