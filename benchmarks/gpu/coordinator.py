"""Many processes on one card: they compile side by side, and time one after another.

A batch of questions is started together. When each has compiled (or failed, or is out
of patience: the barrier), they get their turns in order, one at a time (the lock), with
what trains in the background stopped meanwhile. A process that dies is a failed answer.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from benchmarks.gpu import worker
from benchmarks.gpu.answers import Answers
from benchmarks.gpu.question import Question

Quiet = Callable[[], AbstractContextManager[None]]


class Clock:
    """When to stop."""

    def __init__(self, minutes: float):
        self.end = time.monotonic() + 60 * minutes

    @property
    def left(self) -> float:
        """Seconds, not below zero."""
        return max(0.0, self.end - time.monotonic())


class Asked(NamedTuple):
    """A process, and the line to it."""

    question: Question
    process: Any
    line: Connection


def ask_all(
    questions: Sequence[Question],
    answers: Answers,
    clock: Clock,
    *,
    side_by_side: int,
    quiet: Quiet,
) -> None:
    """Asks what has no answer yet, in order, until time is out.

    Args:
      questions: in order of value.
      answers: where they are written.
      clock: when to stop.
      side_by_side: processes that compile at the same time.
      quiet: makes a context within which nothing else uses the card.
    """
    left = answers.left({question.name: question for question in questions})
    while left and clock.left:
        batch, left = left[:side_by_side], left[side_by_side:]
        _ask(batch, answers, clock, quiet)


def _ask(
    batch: Sequence[Question], answers: Answers, clock: Clock, quiet: Quiet
) -> None:
    asked = [_start(question) for question in batch]
    try:
        ready = _barrier(asked, answers, clock)
        for one in asked:
            if one.question.name in ready and clock.left:
                with quiet():
                    _turn(one, answers, clock, ready[one.question.name])
    finally:
        for one in asked:
            one.process.kill()
            one.process.join()
            one.line.close()


def _start(question: Question) -> Asked:
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=worker.answer, args=(question, its), daemon=False)
    process.start()
    its.close()  # or its death would not be seen
    return Asked(question, process, ours)


def _barrier(
    asked: Sequence[Asked], answers: Answers, clock: Clock
) -> dict[str, float]:
    """Seconds of compiling by question, of those that can be timed."""
    waiting = {one.line: one for one in asked}
    ready: dict[str, float] = {}
    began = time.monotonic()
    patience = max(one.question.patience for one in asked)  # all wait for the last
    while waiting and clock.left:
        left = min(clock.left, began + patience - time.monotonic())
        if left <= 0:
            break
        for line in wait(list(waiting), timeout=left):
            one = waiting.pop(line)  # type: ignore[arg-type]
            kind, what = _heard(one)
            if kind == worker.COMPILED:
                ready[one.question.name] = what
            else:
                answers.write(one.question.name, status=kind, said=what)
    if clock.left:
        for one in waiting.values():
            one.process.kill()
            said = f"it was not compiled after {patience:.0f} seconds."
            answers.write(one.question.name, status=worker.FAILED, said=said)
    return ready


def _turn(one: Asked, answers: Answers, clock: Clock, compiling: float) -> None:
    """Lets a process time, and writes what it says as it says it."""
    name, began = one.question.name, time.monotonic()
    with suppress(OSError):  # it died since: heard below
        one.line.send("go")
    while True:
        left = min(clock.left, began + one.question.patience - time.monotonic())
        if not one.line.poll(max(0.0, left)):
            if clock.left:  # else: it is asked again by the next start
                said = f"it was not done after {one.question.patience:.0f} seconds."
                answers.write(name, status=worker.FAILED, said=said)
            return
        kind, what = _heard(one)
        if kind == worker.ROW:
            answers.write(name, **what)
            continue
        seconds = {"prepared_in": compiling, "timed_in": time.monotonic() - began}
        rounded = {key: round(value, 1) for key, value in seconds.items()}
        answers.write(name, status=kind, **({"said": what} if what else {}), **rounded)
        return


def _heard(one: Asked) -> tuple[str, Any]:
    try:
        return one.line.recv()
    except (EOFError, OSError):
        one.process.join(10)
        said = f"the process ended with status {one.process.exitcode}."
        return worker.FAILED, said
