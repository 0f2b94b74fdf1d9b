"""Notices that another process of a run is lost, and ends this one with a sentence.

Devices wait for each other without end, and the main thread with them, so threads keep
watch: each process says every two seconds that it lives, and looks whether the others
do. JAX watches as well, and ends a process by `abort` and a page of addresses; that is
slower where another process is lost, but at once where process 0 is, which all are
connected to. So an abort is caught, and becomes a sentence and a status too.
"""

import ctypes
import json
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from experiment import entry, signals
from experiment.errors import MACHINE, OK

BEAT = 2.0  # seconds between two signs of life
LOST = 30.0  # without one for so long, a process is lost
_ROOM = "s5rl"  # of all keys


class Store:
    """Short texts by key, which all processes see: of JAX's coordination service."""

    def __init__(self, client: Any):
        self._client = client

    def put(self, key: str, value: str) -> None:
        self._client.key_value_set(f"{_ROOM}/{key}", value, allow_overwrite=True)

    def wait(self, key: str) -> str:
        """The text of a key, as soon as there is one."""
        while True:
            try:
                return self._client.blocking_key_value_get(f"{_ROOM}/{key}", 10_000)
            except RuntimeError as error:
                if "DEADLINE_EXCEEDED" not in str(error):
                    raise

    def all(self, room: str) -> dict[str, str]:
        """Texts by what follows `room/`."""
        found = self._client.key_value_dir_get(f"{_ROOM}/{room}/")
        return {key.rpartition("/")[2]: value for key, value in found}

    def drop(self, key: str) -> None:
        with suppress(RuntimeError):  # it never was
            self._client.key_value_delete(f"{_ROOM}/{key}")


class Vigil:
    """Of one process over the others.

    Attributes:
      asked: whether this process was asked to stop; to be set when that is deferred.
      signal: the number of a signal that another one got, or None.
    """

    def __init__(self, store: Store, index: int, count: int):
        self.asked = signals.Asked()
        self.signal: int | None = None
        self._store, self._index, self._count = store, index, count
        self._over, self._lock = threading.Event(), threading.Lock()
        self._ended: dict[str, str] = {}
        now = time.monotonic()
        self._contact, self._told, self._ends = now, False, False
        self._beats = {str(i): ("", now) for i in range(count) if i != index}

    def begin(self) -> None:
        """Two threads: what asks may have to wait, and what judges must not."""
        for target in (self._talk, self._look):
            threading.Thread(target=target, daemon=True).start()

    def close(self) -> None:
        """All is well, and the others leave as well."""
        self._over.set()
        _abort.status, _abort.said = OK, ""

    def tell(self, status: int, said: str) -> None:
        """Lets the others know how this process ends."""
        _abort.status = status
        with self._lock:
            if self._told:
                return
            self._told = True
        self._over.set()
        with suppress(RuntimeError):
            self._store.put(f"ended/{self._index}", json.dumps([status, said]))

    def heard(self, seconds: float) -> None:
        """Waits until all others have ended too, so long at most."""
        until = time.monotonic() + seconds
        with suppress(RuntimeError):
            while time.monotonic() < until:
                if len(self._store.all("ended")) == self._count:
                    return
                time.sleep(0.2)

    def judge(self, seconds: float) -> None:
        """Waits for what may have made an error here: then this does not return."""
        self._over.wait(seconds)
        while self._ends:
            time.sleep(1.0)  # the other thread is about to end all of this

    def _talk(self) -> None:
        beat, noted = 0, False
        while not self._over.wait(BEAT if beat else 0):
            beat += 1
            try:
                self._store.put(f"alive/{self._index}", str(beat))
                if self.asked.received is not None and not noted:
                    self._store.put(f"asked/{self._index}", str(self.asked.received))
                    noted = True
                alive = self._store.all("alive")
                self._ended = self._store.all("ended")
                asked = self._store.all("asked")
            except RuntimeError:  # the coordinator is gone, or there is none yet
                continue
            now = self._contact = time.monotonic()
            for name, (last, _) in self._beats.items():
                if alive.get(name, "") != last:
                    self._beats[name] = alive[name], now
            self.signal = int(asked[min(asked)]) if asked else None

    def _look(self) -> None:
        while not self._over.wait(1.0):
            for name, text in self._ended.items():
                status, said = json.loads(text)
                self._end(status, f"process {name} of {self._count} has ended: {said}")
            now = time.monotonic()
            if now - self._contact > LOST:
                self._end(
                    MACHINE,
                    f"process 0 of {self._count}, which coordinates the run, has not "
                    f"answered for {LOST:.0f} s.",
                )
            for name, (_, since) in self._beats.items():
                # Of what could not be asked nothing is known.
                if self._contact - since > LOST:
                    self._end(
                        MACHINE,
                        f"process {name} of {self._count} is lost: no sign of life for "
                        f"{LOST:.0f} s; resume= goes on with as many as there are.",
                    )

    def _end(self, status: int, said: str) -> None:
        self._ends = True
        self.tell(status, said)
        if self._index == 0:
            self.heard(2 * BEAT)
        signals.end(status, f"error: {entry.sentence(said)}")


@dataclass
class Abort:
    """What an abort of this process means."""

    said: str
    status: int = MACHINE
    anywhere: bool = False  # one of the main thread too


_abort = Abort("")
_kept: Any = None  # C holds no reference


def catch_aborts(said: str, *, anywhere: bool = False) -> None:
    """Ends this process with a sentence where JAX aborts it, from now on.

    Python's own handlers run in the main thread, some time, and `abort` does not wait;
    so C is given a function. It is called by the thread that aborts, where nothing was
    interrupted. JAX watches in threads of its own: an abort of the main thread stays
    one, unless it comes `anywhere`.
    """
    global _kept
    _abort.said, _abort.anywhere = said, anywhere
    if _kept is not None:
        return
    main = threading.main_thread().native_id

    def ended(number: int) -> None:
        if _abort.anywhere or threading.get_native_id() != main:
            signals.end(_abort.status, _abort.said and f"error: {_abort.said}")

    kind = ctypes.CFUNCTYPE(None, ctypes.c_int)
    _kept = kind(ended)
    library = ctypes.CDLL(None)
    library.signal.argtypes = ctypes.c_int, kind
    library.signal.restype = ctypes.c_void_p
    library.signal(signal.SIGABRT, _kept)
