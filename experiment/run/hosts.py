"""The processes of one run: who writes, and what they have to agree on.

    process 0    decides, writes every file but its share of checkpoints, prints
    the others   compute, store their shards, print errors alone

All of them run the same program, and what they compute together waits for each of them.
So whatever a host decides by what it alone knows (a clock, a signal, what lies on a
disk) has to be one decision: process 0 makes it, and the others ask. That is done by
JAX's coordination service, between hosts and beside the devices. By itself a process is
alone, and all of this is nothing.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from experiment import entry, signals
from experiment.errors import (
    BAD_INPUT,
    MACHINE,
    SIGNAL,
    InputError,
    MachineError,
    RunError,
)
from experiment.run.vigil import LOST, Store, Vigil
from experiment.setup.distributed import KEY, Distributed

JOIN = 300
LEAVE = 10.0  # seconds that a failing one waits for others to have heard of it
FAULT = 1  # the status of what is no `RunError`: Python's, of a traceback


class Alone:
    """One process, which agrees with itself."""

    index, count = 0, 1

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes what one process writes."""
        return self.index == 0

    def told(self, what: Callable[[], str]) -> str:
        """What process 0 says, to all of them; they ask in the same order."""
        return what()

    def number(self, value: float) -> float:
        """Likewise a number: that of process 0."""
        return float(self.told(lambda: repr(value)))

    def same(self, what: str, value: str) -> None:
        """Refuses processes that were told different things.

        Raises:
          InputError: naming what, if process 0 has another value.
        """
        if self.told(lambda: value) != value:
            raise InputError(
                f"the processes of a run must be told the same; {what} is not that of "
                "process 0."
            )
        self.wait("same")  # for nothing shall have been written until all are

    def agreed(self, asked: signals.Asked, due: bool) -> tuple[int | None, bool]:
        """`(signal, due)`: whether to stop, for any got a signal; and process 0's."""
        return asked.received, due

    def wait(self, name: str) -> None:
        """Until all are here."""


class Several(Alone):
    """This process among others that are there."""

    def __init__(self, client: Any, index: int, count: int):
        self.index, self.count = index, count
        self._store, self._client = Store(client), client
        self._vigil = Vigil(self._store, index, count)
        self._asked, self._decided = 0, 0

    def told(self, what: Callable[[], str]) -> str:
        self._asked += 1
        key = f"told/{self._asked}"
        if not self.writes:
            return self._store.wait(key)
        value = what()
        self._store.put(key, value)
        return value

    def agreed(self, asked: signals.Asked, due: bool) -> tuple[int | None, bool]:
        self._vigil.asked = asked
        self._decided += 1
        key = "decided/{}"
        if not self.writes:
            number, due = json.loads(self._store.wait(key.format(self._decided)))
            return number, due
        number = asked.received or self._vigil.signal
        self._store.put(key.format(self._decided), json.dumps([number, due]))
        # All have read those of the window before the last: its metrics were fetched.
        self._store.drop(key.format(self._decided - 4))
        return number, due

    def wait(self, name: str) -> None:
        self._asked += 1
        day = 86_400_000  # ms; long before, the vigil ends who waits for the dead
        self._client.wait_at_barrier(f"s5rl/{name}/{self._asked}", day)

    def run(self, work: Callable[[], int]) -> int:
        """The exit status of work that all do.

        What ends one of them ends all: the others are told its sentence, and end with
        its status.
        """
        said = ""

        def told() -> int:
            nonlocal said
            try:
                return work()
            except RunError as error:
                said = str(error)
                if not self.writes:
                    error.args = (f"process {self.index} of {self.count}: {error}",)
                raise
            except Exception as error:
                if type(error).__name__ == "JaxRuntimeError":
                    self._vigil.judge(LOST + LEAVE)  # was it because one is lost?
                said = f"{type(error).__name__}: {error}"
                raise

        self._vigil.begin()
        with signals.at_end(self._stopped):
            try:
                status = entry.status_of(told)
            except Exception:
                traceback.print_exc()
                status = FAULT
            if status in (FAULT, BAD_INPUT, MACHINE):
                self._vigil.tell(status, said)
                self._vigil.heard(LEAVE if self.writes else 0.0)
                signals.end(status)
            self._leave()
        return status

    def _stopped(self) -> None:
        """A signal, or the vigil, ends this process at once."""
        if signals.ending is not None:
            said = signals.sentence(signals.ending - SIGNAL)
            self._vigil.tell(signals.ending, said)
            self._vigil.heard(LEAVE if self.writes else 0.0)

    def _leave(self) -> None:
        """Nobody goes before all are done: process 0 has plots to draw."""
        import jax

        self._store.put(f"left/{self.index}", "")
        while len(self._store.all("left")) < self.count:
            time.sleep(0.1)
        self._vigil.close()
        jax.distributed.shutdown()


_here: Alone = Alone()


def here() -> Alone:
    """This process among those of its run."""
    return _here


def together(distributed: Distributed, work: Callable[[], int]) -> int:
    """Does work in all processes of a run; comes before any device is looked at.

    Returns:
      The exit status, the same in all of them.

    Raises:
      InputError: if it is to be found out which processes there are, and cannot be.
      MachineError: if the others do not come.
    """
    global _here
    client, index, count = _joined(distributed)
    crew = Several(client, index, count)
    if index:
        _silence()
    _here = crew
    try:
        return crew.run(work)
    finally:
        _here = Alone()


def _silence() -> None:
    """Nothing more on standard output, of Python or of what it calls."""
    sys.stdout.flush()
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


def _joined(distributed: Distributed) -> tuple[Any, int, int]:
    """`(client, index, count)` of JAX's coordination service."""
    import jax
    from jax._src.distributed import global_state

    from experiment.run import vigil

    # It would take SIGTERM for itself, and what it does is done here.
    jax.config.update("jax_enable_preemption_service", False)
    late = f"the processes of this run did not come together within {JOIN} s."
    vigil.catch_aborts(late, anywhere=True)  # so it ends that wait, of the main thread
    given = {
        "coordinator_address": distributed.coordinator,
        "num_processes": distributed.num_processes,
        "process_id": distributed.process_id,
    }
    if not distributed.auto:
        given["cluster_detection_method"] = "deactivate"
    try:
        jax.distributed.initialize(**given, initialization_timeout=JOIN)
    except ValueError as error:
        raise InputError(
            f"{KEY}=auto finds no cluster that JAX knows (SLURM, Open MPI, Cloud TPU, "
            f"Kubernetes): say {KEY}.coordinator, {KEY}.num_processes and "
            f"{KEY}.process_id ({error})"
        ) from error
    except RuntimeError as error:
        raise MachineError(f"{late[:-1]}: {error}") from error
    vigil.catch_aborts(
        "another process of this run is lost; what JAX says of it is above."
    )
    return global_state.client, global_state.process_id, global_state.num_processes
