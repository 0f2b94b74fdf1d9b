"""The exit status of everything that can end a program.

| mutant | fails |
|---|---|
| every OSError is the machine's | test_our_own_errors_pass_through |
| an XLA error of ours is the machine's | test_our_own_errors_pass_through |
"""

import errno
import os

import pytest
from jax.errors import JaxRuntimeError

from experiment import entry
from experiment.errors import InputError, MachineError


def raising(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "status", "word"),
    [
        (InputError("no\nsuch"), 2, "no such"),
        (MachineError("full"), 4, "full"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x"), 4, "No space left"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), 4, "Read-only"),
        (MemoryError(), 4, "too little memory"),
        (
            JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory\nmore"),
            4,
            "Out of memory",
        ),
        (JaxRuntimeError("UNAVAILABLE: gone"), 4, "not there any more"),
        (ValueError("array is too big; `arr.size`"), 4, "too big"),  # NumPy's
    ],
)
def test_status_and_one_sentence(error, status, word, capsys):
    assert entry.status_of(raising(error)) == status
    said = capsys.readouterr().err
    assert said.startswith("error: ") and said.count("\n") == 1 and word in said


@pytest.mark.parametrize(
    "error",
    [
        ValueError("a slip"),
        FileNotFoundError(errno.ENOENT, "none"),
        RuntimeError("RESOURCE_EXHAUSTED: not XLA's"),
        JaxRuntimeError("INTERNAL: a slip"),
    ],
)
def test_our_own_errors_pass_through(error):
    with pytest.raises(type(error)):
        entry.status_of(raising(error))


def test_what_main_returns_is_the_status():
    assert entry.status_of(lambda: None) == 0
    assert entry.status_of(lambda: 143) == 143
