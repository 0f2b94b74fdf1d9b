"""Stopping when asked to: from the first moment, with a sentence and a status.

    from experiment import signals
    signals.watch()                      # the first lines of an entry point
    with signals.deferred() as asked:    # where there is something to save first
        ...
        if asked.received is not None: save, then stop

INT, TERM, HUP and USR1 (what a cluster sends before it takes a machine) mean the same.
Outside `deferred`, a signal ends the process at once with status 128 + its number.
Python runs its own handlers between bytecodes of the main thread, which compiling holds
for many seconds; so a thread reads the signals' wake-up pipe and acts.

Standard output may leave as well (`| head`, a full disk under a log): what is said is
then lost, and the work goes on.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from experiment.errors import SIGNAL

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


class Asked:
    """Whether somebody asked to stop; `received` is the signal's number, or None."""

    received: int | None = None


ending: int | None = None  # the status with which a signal ends this process just now
_deferring: Asked | None = None
_at_end: list[Callable[[], None]] = []
_said = "stopped."
_before: dict[int, Any] = {}


def watch() -> None:
    """Lets signals end this process cleanly from now on. A second call does nothing.

    A signal that is ignored already (under nohup, or of a shell's background job) stays
    ignored.
    """
    if _before or threading.current_thread() is not threading.main_thread():
        return
    sys.stdout, sys.stderr = _Lasting(sys.stdout), _Lasting(sys.stderr)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_listen, args=(reader,), daemon=True).start()
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    _before.update(_install(_nothing))


@contextmanager
def deferred() -> Iterator[Asked]:
    """Within it, a first signal is noted and a second one ends the process.

    Works without `watch` too, for its own duration: a program that uses ours keeps its
    handlers, and a second signal gets to them.
    """
    global _deferring
    before, asked = _deferring, Asked()
    theirs: dict[int, Any] = {}

    def note(number: int, frame: Any) -> None:
        _restore(theirs)
        _note(asked, number)

    if not _before and threading.current_thread() is threading.main_thread():
        theirs.update(_install(note))
    _deferring = asked
    try:
        yield asked
    finally:
        _deferring = before
        _restore(theirs)


@contextmanager
def at_end(clean_up: Callable[[], None]) -> Iterator[None]:
    """Within it, a signal that ends the process at once calls `clean_up` first."""
    _at_end.append(clean_up)
    try:
        yield
    finally:
        _at_end.remove(clean_up)


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Within it, this is said of a signal that ends the process at once."""
    global _said
    before, _said = _said, what
    try:
        yield
    finally:
        _said = before


def sentence(number: int) -> str:
    """What is said just now where this signal ends the process: `SIGTERM: stopped.`"""
    return f"{signal.Signals(number).name}: {_said}"


def _install(handler: Callable[[int, Any], None]) -> dict[int, Any]:
    """The handlers that were there, by number."""
    return {
        number: signal.signal(number, handler)
        for number in CAUGHT
        if signal.getsignal(number) is not signal.SIG_IGN
    }


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _nothing(number: int, frame: Any) -> None:
    """Keeps Python from its default action; `_listen` does the rest."""


def _listen(reader: int) -> None:
    while True:
        for number in os.read(reader, 64):
            if number not in _before:
                continue  # a signal that somebody else handles
            asked = _deferring
            if asked is None:
                _end(number)
            else:
                _note(asked, number)


def _note(asked: Asked, number: int) -> None:
    if asked.received is not None:
        _end(number)
    # Said first, and at once: who is asked speaks next, from another thread.
    with suppress(OSError):
        name = signal.Signals(number).name
        print(f"{name}: saving, then stopping.\n", end="", flush=True)
    asked.received = number


def _end(number: int) -> None:
    global ending
    ending = SIGNAL + number
    end(ending, sentence(number))


def end(status: int, said: str = "") -> None:
    """Ends this process at once, from any thread, after what `at_end` was told.

    Args:
      status: of the exit.
      said: last, on standard error.
    """
    for clean_up in reversed(_at_end):
        with suppress(Exception):
            clean_up()
    with suppress(Exception):
        if sys.stdout.isatty():
            print("\x1b[?25h")  # a bar that is cut short leaves the cursor hidden
        if said:
            print(said, file=sys.stderr, flush=True)
        sys.stdout.flush()
    os._exit(status)


class _Lasting:
    """A text stream that outlives its reader: what cannot be written is dropped."""

    def __init__(self, stream: Any):
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._leave()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._leave()

    def _leave(self) -> None:
        """Sends what comes, and what is buffered still, into nothing."""
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self._stream.fileno())
        os.close(nothing)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
