"""What is on its way: written beside what it will replace, and renamed when whole.

A process that is killed leaves it. It says whose it is, by its name (host and process)
and by a lock (`flock`) that the operating system drops when its owner dies in whatever
way; so anybody may remove what dead ones left, and nothing of the living goes.
"""

import fcntl
import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SUFFIX = ".unfinished"
DAY = 86_400.0  # seconds without a change; then whoever wrote it elsewhere is dead


def beside(path: Path) -> Path:
    """Where this process writes what will have this path."""
    # A name has 255 bytes at most.
    name = os.fsdecode(os.fsencode(path.name)[:100])
    return path.with_name(f".{name}.{_host()}.{os.getpid()}{SUFFIX}")


@contextmanager
def kept(path: Path) -> Iterator[None]:
    """Within it, this process is seen to live by whoever looks at the path."""
    handle = os.open(path, os.O_RDONLY)
    try:
        _take(handle)
        yield
    finally:
        os.close(handle)


def remove(folder: Path) -> None:
    """Removes what dead processes have left in a folder.

    Of a process of another host, that is what nobody has changed for a day.
    """
    found = []
    with suppress(OSError):  # whoever then writes here will say what is wrong
        found += folder.glob(f".*{SUFFIX}")
    for path in found:
        with suppress(OSError):  # another process removes it just now
            if _is_left(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def hold(handle: int) -> bool:
    """Locks an open file until it is closed; False where another process has it.

    Raises:
      OSError: if the file system has no locks.
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take(handle: int) -> bool:
    """As `hold`; where there are no locks, the process's number has to do."""
    try:
        return hold(handle)
    except OSError:
        return True


def _host() -> str:
    return socket.gethostname()[:100].replace("/", "_")


def _is_left(path: Path) -> bool:
    name, _, number = path.name.removesuffix(SUFFIX).rpartition(".")
    if not number.isdecimal():
        return False  # none of ours
    if not name.endswith(f".{_host()}"):
        return time.time() - path.stat().st_mtime > DAY
    # One of our own number is of a former life: in a container it is always the same.
    if int(number) != os.getpid() and _is_alive(int(number)):
        return False
    # Containers share a host's name, and do not see each other's processes.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return _take(handle)
    finally:
        os.close(handle)


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # somebody else's
        return True
    return True
