"""TensorBoard and W&B: curves to watch while a run goes on."""

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from experiment import files
from experiment.errors import told
from experiment.run.learners import INDEX, Learners
from experiment.run.metrics import Row

SHOWN = 5.0  # seconds after which points are on the disk, which tensorboardX waits for


class Boards:
    """TensorBoard always, W&B when asked for; one curve per seed."""

    def __init__(
        self,
        folder: Path,
        *,
        wandb: str,
        config: Mapping[str, Any],
        start: int,
        learners: Learners,
    ):
        """Opens a file of its own for this start.

        tensorboardX's writer hands events to a thread, where a full disk becomes a
        traceback and then a run that waits for ever; its file format is written here
        as the rows come.

        Raises:
          InputError, MachineError: if the folder or the file cannot be made.
        """
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto import event_pb2

        proto: Any = event_pb2  # made at run time: type checkers see nothing in it

        files.make_folder(folder, f"{folder} cannot be made")
        self._learners = learners
        self._doing = f"{folder} cannot be written"
        with told(self._doing):
            self._writer = EventsWriter(str(folder / "events"), f".{os.getpid()}")
            # Points of an interrupted run after its checkpoint are purged from the
            # curves. Points at `start` itself were drawn before it and stay.
            if start:
                log = proto.SessionLog(status=proto.SessionLog.START)
                self._writer.write_event(proto.Event(step=start + 1, session_log=log))
        self.flush()
        self._wandb = None
        if wandb != "off":
            import wandb as client  # type: ignore[import-not-found]

            self._wandb = client.init(
                project="s5rl",
                name=folder.parent.name,
                dir=str(folder.parent),
                mode=wandb,  # type: ignore[arg-type]
                config=dict(config),
            )

    def write(self, rows: Sequence[Row], speed: float) -> None:
        """Draws one log point; `speed` in environment steps of all seeds per second."""
        step = rows[0]["env_steps"]
        points = {"time/steps_per_second": speed}
        for row in rows:
            suffix = self._learners.tag(row["seed"])
            points |= {
                f"{name}{suffix}": value
                for name, value in row.items()
                if name not in INDEX and value is not None
            }
        from tensorboardX.proto import event_pb2, summary_pb2

        proto: Any = event_pb2
        kind: Any = summary_pb2.Summary  # type: ignore[attr-defined]
        drawn = kind(
            value=[kind.Value(tag=n, simple_value=v) for n, v in points.items()]
        )
        event = proto.Event(wall_time=time.time(), step=step, summary=drawn)
        with told(self._doing):
            self._writer.write_event(event)
        if time.perf_counter() - self._flushed > SHOWN:
            self.flush()
        if self._wandb is not None:
            self._wandb.log(points, step=step)

    def flush(self) -> None:
        """Brings the points to the disk.

        Raises:
          MachineError: if they cannot be written.
        """
        with told(self._doing):
            self._writer.flush()
        self._flushed = time.perf_counter()

    def close(self) -> None:
        """Ends this start's file, and W&B's run."""
        with suppress(OSError):  # what was not written was said before
            self._writer.close()
        if self._wandb is not None:
            self._wandb.finish()
