"""What a person watches while a run goes on."""

import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from experiment.run.metrics import Row


class Ticker:
    """A live bar on a terminal; elsewhere one plain line per log point."""

    def __init__(self, total_steps: int, done_steps: int, num_seeds: int):
        self._total, self._num_seeds = total_steps, num_seeds
        self._began, self._first = time.perf_counter(), done_steps
        self._bar = None
        self.speed = 0.0  # environment steps of all seeds per second
        console = Console(file=sys.stdout)
        if console.is_terminal:
            self._bar = Progress(
                TextColumn("{task.fields[steps]} steps"),
                BarColumn(),
                TextColumn("{task.percentage:3.0f}%"),
                TextColumn("{task.fields[speed]}/s"),
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
        left = (self._total - steps) * self._num_seeds / max(self.speed, 1e-9)
        print(
            f"{steps:>12,} / {self._total:,} steps  return {outcome:>8}  "
            f"{self.speed:>9,.0f} steps/s  {left:6.0f} s left",
            flush=True,
        )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
