"""What can go wrong in a run, and the exit status of each."""

OK = 0
BAD_INPUT = 2
DIVERGED = 3
SIGNAL = 128  # plus the signal's number: 130 for SIGINT, 143 for SIGTERM


class InputError(Exception):
    """The user asked for something that cannot be; the message says what, and why."""
