"""What can go wrong in a run, and the exit status of each."""

import difflib
from collections.abc import Iterable

OK = 0
BAD_INPUT = 2
DIVERGED = 3
SIGNAL = 128  # plus the signal's number: 130 for SIGINT, 143 for SIGTERM


class InputError(Exception):
    """The user asked for something that cannot be; the message says what, and why."""


def nearest(wrong: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'` where something known is close to `wrong`, else nothing."""
    close = difflib.get_close_matches(str(wrong), list(known), n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}" if close else ""
