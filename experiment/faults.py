"""Faults on demand, so that recovery is tested in a real process.

    S5RL_FAULT="before-rename:3=kill"     at the third time that this point is passed
    S5RL_FAULT="in-save:1=full"           the disk is full there

`point(name)` does nothing unless the environment variable names that point, and each
fault happens once. Kinds: `kill` (SIGKILL to this very process), `full` (ENOSPC),
`stop` (SIGTERM), `wait` (sleeps for a minute, to be killed from outside).
"""

import errno
import os
import signal
import time
from collections import Counter

VARIABLE = "S5RL_FAULT"
_passed: Counter[str] = Counter()


def point(name: str) -> None:
    """A place where a fault may be injected.

    Raises:
      OSError: if the fault asked for is a full disk.
    """
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    _passed[name] += 1
    where, _, kind = wanted.partition("=")
    at, _, count = where.partition(":")
    if at != name or _passed[name] != int(count or 1):
        return
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "stop":
        os.kill(os.getpid(), signal.SIGTERM)
    elif kind == "wait":
        time.sleep(60)
    elif kind == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        raise ValueError(f"{VARIABLE} must end in =kill, =stop, =wait or =full.")
