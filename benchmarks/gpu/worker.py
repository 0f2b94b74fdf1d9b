"""A process that answers one question: it compiles, waits for its turn, and times."""

import importlib
import os
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.gpu.question import Question

# What a process says to the coordinator, the first of each pair that it sends.
COMPILED, ROW, DONE, REFUSED, FAILED = "compiled", "row", "done", "refused", "failed"
MEMORY = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # several processes share the card

Prepare = Callable[..., Callable[[], Iterator[dict[str, Any]]]]


class Refusal(Exception):
    """What was asked for is not to be had here; the sentence says why."""


def answer(question: Question, parent: Connection) -> None:
    """Runs in a new process, before JAX is imported there."""
    flags = question.environment.get("XLA_FLAGS", "")
    whole = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    os.environ.update(MEMORY | dict(question.environment) | {"XLA_FLAGS": whole})
    module, _, name = question.asks.partition(":")
    try:
        start = time.perf_counter()
        prepare: Prepare = getattr(importlib.import_module(module), name)
        run = prepare(**question.arguments)
        parent.send((COMPILED, time.perf_counter() - start))
        parent.recv()  # one's turn has come
        for row in run():
            parent.send((ROW, row))
        parent.send((DONE, None))
    except Refusal as refusal:
        parent.send((REFUSED, str(refusal)))
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        parent.send((FAILED, said[:500]))
