"""Stopping cleanly when asked to."""

import signal
from types import FrameType
from typing import Any


class Interrupt:
    """Within a `with`, notes SIGINT and SIGTERM instead of dying from them.

    `received` is the signal's number, or None. A second signal acts as it always did,
    for whoever cannot wait.
    """

    def __init__(self):
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self._restore()
        name = signal.Signals(number).name
        print(f"{name}: saving, then stopping.", flush=True)

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
