"""Updates are handed to the device ahead of the host, a window at a time.

    device   | window 1 | window 2 | window 3 |
    host                 | log 1    | log 2    | log 3

A window ends at a log point. While the device computes one, the host fetches, checks,
logs and saves the one before; it waits for the device, and the device for nothing.

An update takes its learners (their memory is used again), so those of a log point are
gone once the next window is handed over. What is saved is a copy, which the device
makes in between: so a run still stops, and diverges, at the window that the host has
looked at, as if there were none ahead.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from jax import Array

from experiment.run import hosts

Metrics = Mapping[str, Array]  # of an update, [S] each
Update = Callable[[Any], tuple[Any, Metrics]]
AHEAD = 16  # updates that the device has to do while the host looks at a window
MEASURED = 1.0  # seconds after which the length of a window in time is known


class Window(NamedTuple):
    """Some updates up to a log point, computed or not yet."""

    done: int  # updates behind its end
    metrics: Sequence[Metrics]  # one each
    learners: Any  # [S, ...] at its end; the next window takes them
    kept: Any  # the same, and nobody takes them


class Windows:
    """Hands updates over.

    Args:
      update: compiled; takes its learners.
      length: updates from log point to log point.
      total: updates of the whole run, which the last window ends with.
    """

    def __init__(self, update: Update, length: int, total: int):
        self._update, self._length, self._total = update, length, total

    def after(self, done: int, learners: Any, begun: Sequence[Metrics] = ()) -> Window:
        """The next window, handed over whole.

        Args:
          done: updates behind the last log point; fewer than there are in all.
          learners: [S, ...] as they are now; they are taken.
          begun: metrics of updates after `done` that `learners` have behind them.
        """
        end = min(done + self._length, self._total)
        learners, more = self._handed(learners, end - done - len(begun))
        kept = learners if end == self._total else _copied(learners)
        return Window(end, [*begun, *more], learners, kept)

    def ahead(self, window: Window) -> tuple[Any, list[Metrics]]:
        """First updates after a window, so that the device has something to do.

        Not all of them: what waits for the device is limited (to 32 on a CPU), and
        handing over more would wait as well.

        Returns:
          `(learners, metrics)`, as `after` takes them.
        """
        left = min(self._length, self._total - window.done)
        return self._handed(window.learners, min(left, AHEAD))

    def _handed(self, learners: Any, count: int) -> tuple[Any, list[Metrics]]:
        metrics = []
        for _ in range(count):
            learners, measured = self._update(learners)
            metrics.append(measured)
        return learners, metrics


@jax.jit
def _copied(learners: Any) -> Any:
    """The same values in memory of their own."""
    return jax.tree.map(jax.numpy.copy, learners)


def paced(
    update: Update, learners: Any, seconds: float, most: int
) -> tuple[int, Any, list[Metrics]]:
    """How many updates take so long, from the first ones of a run.

    Args:
      update: compiled; takes its learners.
      learners: [S, ...] before the first update; they are taken.
      seconds: from log point to log point.
      most: updates of the whole run.

    Returns:
      `(length, learners, metrics)`: updates a window, the learners now, and the metrics
      of the updates that were done to measure: the beginning of the first window.
    """
    metrics: list[Metrics] = []
    began = time.perf_counter()
    taken = 0.0
    while len(metrics) < most and taken < min(MEASURED, seconds):
        learners, measured = jax.block_until_ready(update(learners))
        metrics.append(measured)
        taken = hosts.here().number(time.perf_counter() - began)
    length = max(len(metrics), round(seconds * len(metrics) / taken))
    return min(length, most), learners, metrics
