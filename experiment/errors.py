"""What can go wrong in a run, and the exit status of each."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

OK = 0
BAD_INPUT = 2
DIVERGED = 3
MACHINE = 4
SIGNAL = 128  # plus the signal's number: 130 for SIGINT, 143 for SIGTERM


class RunError(Exception):
    """Ends the program with its message, one sentence, and `status`."""

    status = BAD_INPUT


class InputError(RunError):
    """The user asked for something that cannot be; the message says what, and why."""


class MachineError(RunError):
    """The machine failed: a full disk, a read-only folder, a device that is gone."""

    status = MACHINE


# What no machine could do, by the path's own fault: it runs through a file, is too
# long, lies where nothing can be made, or holds a character that no name has.
_MEANINGLESS = {
    *(errno.ENOTDIR, errno.ENAMETOOLONG, errno.ENOENT, errno.EISDIR),
    *(errno.EEXIST, errno.ELOOP, errno.EINVAL),
}


def of_os(error: OSError, doing: str) -> RunError:
    """An error of the operating system as a sentence.

    Args:
      error: as it was raised.
      doing: what failed, as in "run_dir runs/x cannot be made".

    Returns:
      `InputError` where the path cannot be meant, else `MachineError`.
    """
    kind = InputError if error.errno in _MEANINGLESS else MachineError
    return kind(f"{doing}: {error.strerror or error}.")


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Within it, an `OSError` becomes the sentence of `of_os`.

    Raises:
      InputError, MachineError: see `of_os`.
    """
    try:
        yield
    except OSError as error:
        raise of_os(error, doing) from error
