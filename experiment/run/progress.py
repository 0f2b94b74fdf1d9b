"""What a person watches while a run goes on."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from experiment.run.metrics import Row

LINES = 50  # of a whole run, where there is no terminal


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Says that something long goes on: it moves on a terminal, elsewhere it is a line.

    Args:
      what: as in "compiling".
    """
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        print(f"{what} ...", flush=True)
        yield
        return
    columns = TextColumn("{task.description} ..."), TextColumn("{task.elapsed:.0f} s")
    with Progress(*columns, console=console, transient=True) as moving:
        moving.add_task(what, total=None)
        yield


class Ticker:
    """A live bar on a terminal; elsewhere a plain line for each fiftieth of the run.

    Args:
      total_steps: environment steps of each learner, of the whole run.
      done_steps: of them, those done before this start.
      num_seeds: learners, trained side by side.
    """

    def __init__(self, total_steps: int, done_steps: int, num_seeds: int):
        self._total, self._num_seeds = total_steps, num_seeds
        self._began, self._first = time.perf_counter(), done_steps
        self._shown = done_steps * LINES // total_steps
        self._bar = None
        self.speed = 0.0  # environment steps of all learners together per second
        several = num_seeds > 1
        self._each = f" of each of {num_seeds} learners" if several else ""
        self._all = " of all" if several else ""
        console = Console(file=sys.stdout)
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.fields[steps]} steps" + self._each),
                BarColumn(),
                TextColumn("{task.percentage:3.0f}%"),
                TextColumn("{task.fields[speed]} steps/s" + self._all),
                TextColumn("return {task.fields[outcome]}"),
                TimeRemainingColumn(),
                console=console,
            )
            self._task = self._bar.add_task(
                "train",
                total=total_steps,
                completed=done_steps,
                steps=f"{done_steps:,}",
                speed="-",
                outcome="-",
            )
            self._bar.start()

    def show(self, rows: Sequence[Row]) -> None:
        """Draws a log point."""
        steps = rows[0]["env_steps"]
        elapsed = time.perf_counter() - self._began
        self.speed = (steps - self._first) * self._num_seeds / elapsed
        returns = [row["episode/return"] for row in rows]
        known = [value for value in returns if value is not None]
        outcome = f"{sum(known) / len(known):.3f}" if known else "-"
        if self._bar is not None:
            self._bar.update(
                self._task,
                completed=steps,
                steps=f"{steps:,}",
                speed=f"{self.speed:,.0f}",
                outcome=outcome,
            )
            return
        reached = steps * LINES // self._total
        if reached == self._shown and steps < self._total:
            return
        self._shown = reached
        left = (self._total - steps) * self._num_seeds / max(self.speed, 1e-9)
        print(
            f"{steps:>12,} / {self._total:,} steps{self._each}  return {outcome:>8}  "
            f"{self.speed:>9,.0f} steps/s{self._all}  {left:6.0f} s left",
            flush=True,
        )

    def close(self) -> None:
        """Leaves the terminal as it was."""
        if self._bar is not None:
            self._bar.stop()
