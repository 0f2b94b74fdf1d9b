"""What a launcher runs: one job, in a process and a log of its own.

It is the command that one would type, so that a job is alone with its devices, its
memory and its signals, whoever launched it. Its process ends with whoever waits for it:
it is asked to save and stop where that one is stopped, or gone.
"""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from experiment import entry, files, signals
from experiment.errors import OK, InputError, RunError
from experiment.multirun import going_on
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.config import RunConfig
from experiment.setup.sweep import Job

CHECKOUT = Path(__file__).parents[2]
OBJECTIVE = "final_return"  # of summary.json, what a sweeper is told
_LOOK = 1.0  # seconds between two looks whether the one that waits is there
_TAIL = 4096  # bytes of a log that its last line is looked for in

Outcome = tuple[int, str, float | None]  # status, what was said, the objective


@dataclass
class Task:
    """All jobs of a multirun; called with the number of one, it runs it.

    Attributes:
      parent: the folder of all.
      beside: further arguments of every job.
      jobs: by number; a sweeper adds to them as it goes.
    """

    parent: str
    beside: tuple[str, ...] = ()
    jobs: list[Job] = field(default_factory=list)

    def __call__(self, config: Any) -> Outcome:
        """Runs job number `config.job`, or what is left of it; never raises."""
        job = self.jobs[config.job]
        try:
            outcome = self._run(job)
        except RunError as error:
            outcome = error.status, entry.sentence(error), None
        _, said, value = outcome
        shown = f"{OBJECTIVE} {value:.4g}" if value is not None else said
        print(f"{job.name}: {shown}", flush=True)
        return outcome

    def load(self, job: Job) -> RunConfig:
        """A job's configuration.

        Raises:
          InputError: for what cannot be.
        """
        cli.register()
        return run_config.load(cli.composed("train", job.arguments))

    def outcome(self, job: Job, status: int = OK, said: str = "") -> Outcome:
        """What a job came to, from its folder."""
        folder = RunFolder(Path(self.parent) / job.name)
        found = None
        with suppress(InputError):
            found = folder.read_summary()
        if found is None:
            return status or 1, said or "it did not end", None
        value = found.get(OBJECTIVE)
        return status, said, float(value) if isinstance(value, int | float) else None

    def _run(self, job: Job) -> Outcome:
        left = going_on.left(self.load(job), job.arguments)
        if left.arguments is None:
            return self.outcome(job, left.status, left.said)
        log = Path(self.parent) / "logs" / f"{job.name}.log"
        files.make_folder(log.parent, f"{log.parent} cannot be made")
        print(f"{job.name}: {left.said or 'begins'} ({log})", flush=True)
        status = _process([*left.arguments, *self.beside], log)
        return self.outcome(job, status, _last_line(log) if status else "")


def _process(arguments: list[str], log: Path) -> int:
    """Runs train.py; returns its status, that of a signal as 128 + its number."""
    above = os.getppid()
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, str(CHECKOUT / "train.py"), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,  # a terminal's Ctrl-C gets there once, through us
        )
    with signals.at_end(process.terminate):
        try:
            status = None
            while status is None:
                with suppress(subprocess.TimeoutExpired):
                    status = process.wait(_LOOK)
                if os.getppid() != above:  # nobody waits for us any more
                    process.terminate()
                    process.wait()
                    os._exit(1)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    return status if status >= 0 else 128 - status


def _last_line(log: Path) -> str:
    """What a job said at its end."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return entry.sentence(lines[-1]).removeprefix("error: ") if lines else ""
