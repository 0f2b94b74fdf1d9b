"""How an entry point begins and ends: signals from the first moment, and a status.

from experiment import entry

if __name__ == "__main__":
    entry.begin()  # before the imports that take seconds
...
if __name__ == "__main__":
    sys.exit(entry.status_of(main))
"""

import errno
import gc
import sys
from collections.abc import Callable

from experiment import faults, signals
from experiment.errors import MachineError, RunError

# Of the operating system's errors, those that no program is to blame for.
_MACHINE = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ENXIO),
}
# How XLA's errors begin that say the same of a device.
_NO_ROOM = "RESOURCE_EXHAUSTED"
_DEVICE = {
    _NO_ROOM: "the device has too little memory for this run",
    "UNAVAILABLE": "the device is not there any more",
    "DATA_LOSS": "the device lost data",
}


# Objects between two looks for garbage. Importing and tracing make millions that stay,
# and Python's own number (700) has them looked through for a seventh of the start.
_YOUNG = 200_000


def begin() -> None:
    """Lets signals count, and output be cut short, from now on."""
    signals.watch()
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    faults.point("begun")


def status_of(main: Callable[[], int | None]) -> int:
    """Runs `main`; what ends it with a sentence gives its exit status.

    Returns:
      What `main` does, 0 for None; the status of a `RunError`; `MACHINE` for errors of
      the operating system and of XLA that are the machine's. Other errors are ours, and
      pass through as tracebacks.
    """
    try:
        return main() or 0
    except RunError as error:
        return fail(error)
    except OSError as error:
        if error.errno not in _MACHINE:
            raise
        place = f" ({error.filename})" if error.filename else ""
        return fail(MachineError(f"the machine failed: {error.strerror}{place}."))
    except MemoryError:
        return fail(MachineError("the machine has too little memory for this run."))
    except (RuntimeError, ValueError) as error:
        kind = _device_fault(error)
        if kind is None:
            raise
        said = str(error).split("\n")[0][:200]
        return fail(MachineError(f"{_DEVICE[kind]}: {said}"))


def _device_fault(error: Exception) -> str | None:
    """Which of XLA's errors it is, if it is one that says what a device has not."""
    from envs.values import lacks_memory  # when it is needed: it takes a moment

    if lacks_memory(error):
        return _NO_ROOM
    kind = str(error).partition(":")[0]
    # By its name, for importing jax takes a second.
    is_xla = type(error).__name__ == "JaxRuntimeError"
    return kind if is_xla and kind in _DEVICE else None


def fail(error: RunError) -> int:
    """Says what was wrong; returns the exit status for it."""
    print(f"error: {sentence(error)}", file=sys.stderr)
    return error.status


def sentence(said: Exception | str) -> str:
    """What an error says, or a text, on one line that any terminal can show.

    What libraries say runs over several lines; a sentence does not. What a folder's
    name or a file's text may hold must not steer the terminal.
    """
    text = " ".join(str(said).split())
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    encoding = sys.stderr.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
