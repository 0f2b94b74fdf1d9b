"""One owner of a run folder at a time.

`lock.json` names the process and its host. The operating system holds it (`flock`), and
lets go when the process ends in whatever way, so a lock that a dead process left is
taken over. Where a network file system keeps no locks between hosts, the file's age
tells: its owner touches it every half minute.
"""

import json
import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from experiment import unfinished
from experiment.errors import InputError, told

LOCK = "lock.json"  # in a folder
HEARTBEAT = 30.0  # seconds between two signs of life
STALE = 150.0  # without one for so long, an owner on another host is dead


class Lock:
    """A lock on a folder, from `take` to `release`."""

    def __init__(self, path: Path):
        self.path = path
        self._handle: int | None = None
        self._released = threading.Event()

    def take(self) -> None:
        """Becomes the owner.

        Raises:
          InputError: naming the process and the host that own it.
          MachineError: if the lock cannot be written.
        """
        with told(f"{self.path} cannot be written"):
            while True:
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
                if not unfinished.hold(handle):
                    owner = _read(handle)
                    os.close(handle)
                    raise InputError(_in_use(self.path.parent, owner))
                if _is(handle, self.path):
                    break
                os.close(handle)  # its owner removed it in between
            self._refuse_other_hosts(handle)
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(_own()).encode(), 0)
        self._handle = handle
        threading.Thread(target=self._live, daemon=True).start()

    def release(self) -> None:
        """Gives the folder free; without effect if it was not taken."""
        if self._handle is None:
            return
        self._released.set()
        with suppress(OSError):
            self.path.unlink()
        os.close(self._handle)
        self._handle = None

    def _refuse_other_hosts(self, handle: int) -> None:
        """For file systems whose locks do not reach over hosts."""
        owner = _read(handle)
        age = time.time() - os.fstat(handle).st_mtime
        if owner.get("host") in (None, socket.gethostname()) or age > STALE:
            return
        os.close(handle)
        raise InputError(
            f"{_in_use(self.path.parent, owner)} It showed life {age:.0f} s ago; if it "
            f"is dead, wait until that is {STALE:.0f} s."
        )

    def _live(self) -> None:
        while not self._released.wait(HEARTBEAT):
            with suppress(OSError):
                os.utime(self.path)


def check_free(path: Path) -> None:
    """Writes nothing, and takes nothing.

    Raises:
      InputError: naming the process and the host that own it, if one does.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        handle = os.open(path, os.O_RDWR)
        try:
            if not unfinished.hold(handle):
                raise InputError(_in_use(path.parent, _read(handle)))
        finally:
            os.close(handle)


def _is(handle: int, path: Path) -> bool:
    """Whether an open file still is the one of this name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _own() -> dict[str, Any]:
    began = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": began}


def _read(handle: int) -> dict[str, Any]:
    """What the lock says; nothing if it is damaged, or just being written."""
    with suppress(OSError, ValueError):
        content = json.loads(os.pread(handle, 4096, 0))
        if isinstance(content, dict):
            return content
    return {}


def _in_use(folder: Path, owner: dict[str, Any]) -> str:
    if not owner:
        return f"{folder} is in use by another process."
    return (
        f"{folder} is in use by process {owner.get('pid')} on {owner.get('host')}, "
        f"since {owner.get('since')}."
    )
