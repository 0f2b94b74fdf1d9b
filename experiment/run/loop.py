"""What goes on while a run trains: update, watch, log, save, stop when asked to."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from experiment import signals
from experiment.errors import DIVERGED, OK, SIGNAL
from experiment.run import divergence, halving, hosts
from experiment.run import metrics as metrics_module
from experiment.run.books import NoBooks
from experiment.run.checkpoints import Checkpoints
from experiment.run.divergence import Divergence
from experiment.run.learners import Learners
from experiment.run.run_folder import RunFolder
from experiment.run.windows import Metrics, Window, Windows
from experiment.setup import config as run_config
from experiment.setup import every
from experiment.setup.config import RunConfig

Fetched = Sequence[Mapping[str, np.ndarray]]  # metrics of some updates, each [A]


class Origin(NamedTuple):
    """Where learners come from."""

    shapes: Any  # [S, ...] learners of all seeds, as shapes and types
    draw: Callable[[], Any]  # makes them, as they are before the first update


class Loop:
    """Everything that is open while a run goes on."""

    def __init__(
        self,
        config: RunConfig,
        folder: RunFolder,
        checkpoints: Checkpoints,
        books: NoBooks,
        origin: Origin,
        order: Sequence[str],
        done: int,
        sick: Sequence[Divergence],
        alive: Sequence[int],
        whole: Any = None,
    ):
        """Opens them.

        Args:
          config: of the run.
          folder: that is written into.
          checkpoints: of that folder.
          books: that are kept of it.
          origin: where learners come from.
          order: names of the agent's metrics, as it gives them.
          done: updates behind what is gone on from.
          sick: learners that diverged before that.
          alive: numbers of the A learners that train.
          whole: [S, ...] all of them, where some have stopped.
        """
        self.config, self.folder, self.checkpoints = config, folder, checkpoints
        self.books, self.origin, self.order = books, origin, order
        self.done, self.sick = done, list(sick)
        self.num_updates = config.num_updates
        self.saved, self._saved_at = done, time.perf_counter()  # the newest checkpoint
        self.steps_per_update = config.agent.options.steps_per_update
        self.learners, self.alive, self._whole = Learners.of(config), alive, whole

    @property
    def complete(self) -> bool:
        """Whether all updates are done."""
        return self.done == self.num_updates

    @property
    def healthy(self) -> list[int]:
        """Learners that train and did not diverge."""
        sick = {one.seed for one in self.sick}
        return [one for one in self.alive if one not in sick]

    def halved(self, alive: Sequence[int]) -> Any:
        """Learners with other numbers stop; gives those that go on [A, ...]."""
        self._whole, self.alive = self._kept, alive
        return halving.part(self._whole, alive)

    def run(
        self, update: Any, learners: Any, begun: Sequence[Metrics], until: int
    ) -> int:
        """Updates the learners until some stop, the run is complete, or it has to end.

        Args:
          update: compiled; takes its learners.
          learners: [A, ...] as they are; they are taken.
          begun: metrics of first updates that were done already (`windows.paced`).
          until: updates of the whole run by then; there is a checkpoint of that.

        Returns:
          The exit status.
        """
        length = self.config.schedule.log_every
        assert isinstance(length, int)  # of a time, a number was made when it began
        windows, crew = Windows(update, length, until), hosts.here()
        if self.done >= until:  # it stopped where others are to stop
            self._keep(learners)
        with signals.deferred() as asked:
            while self.done < until:
                window = windows.after(self.done, learners, begun)
                # What several processes do together, they do until they have agreed.
                if asked.received is None or crew.count > 1:
                    learners, begun = windows.ahead(window)
                metrics = self._fetched(window)
                self._part_with_the_sick(metrics)
                if not self.healthy:
                    break
                self.done = window.done
                self._log(metrics)
                stop, due = crew.agreed(asked, self._due)
                if stop or due or self.done == until:
                    self._save(window.kept)
                    stop, _ = crew.agreed(asked, False)  # meanwhile, maybe
                if stop and not self.complete:
                    return SIGNAL + stop
        if self.sick and (self.complete or not self.healthy):
            self._say_what_diverged()
            return DIVERGED
        return OK

    def _fetched(self, window: Window) -> Fetched:
        """Waits for a window's metrics."""
        fetched = jax.device_get(window.metrics)
        return [{name: m[name] for name in self.order} for m in fetched]

    @property
    def _due(self) -> bool:
        """Whether it is time for a checkpoint."""
        wanted = self.config.schedule.checkpoint_every
        if isinstance(wanted, int):
            return self.done - self.saved >= wanted
        return time.perf_counter() - self._saved_at >= every.seconds(wanted)

    def _save(self, learners: Any) -> None:
        self.books.sync()
        self._keep(learners)
        self.checkpoints.save(self.done, self._kept)
        self.saved, self._saved_at = self.done, time.perf_counter()

    def _keep(self, learners: Any) -> None:
        self._kept = learners
        if self._whole is not None:
            self._kept = halving.joined(self._whole, learners, self.alive)

    def _part_with_the_sick(self, window: Fetched) -> None:
        """Learners that diverge here have no rows any more; the others go on."""
        bad, healthy = metrics_module.non_finite(window), self.healthy
        new = [
            Divergence(self.alive[place], self.done + index + 1, name, self.saved)
            for place, (index, name) in bad.items()
            if self.alive[place] in healthy
        ]
        self.sick += new
        if not new or self.config.num_learners == 1:
            return  # of a single one, the run itself reproduces it
        if self.saved:
            _, good = self.checkpoints.restore(self.origin.shapes)
        else:
            good = self.origin.draw()
        for one in new:
            config = run_config.dump(self.config)
            divergence.keep(self.folder.diverged, one, good, config)
            if self.healthy:
                which = self.learners.named(one.seed)
                print(f"{which} diverged: {one}; the others go on.", flush=True)

    def _log(self, window: Fetched) -> None:
        healthy = self.healthy
        places = [place for place, one in enumerate(self.alive) if one in healthy]
        rows = metrics_module.make_rows(
            metrics_module.reduce_window(
                [{name: m[name][places] for name in m} for m in window]
            ),
            env_steps=self.done * self.steps_per_update,
            update=self.done,
            seeds=healthy,
        )
        self.books.log(rows, self.done)

    def _say_what_diverged(self) -> None:
        self.books.leave_terminal()
        kept = "none was saved"
        if self.saved:
            kept = f"the checkpoint of update {self.saved} is kept"
        named = "; ".join(map(str, self.sick))
        print(f"training diverged: {named}; {kept}.", flush=True)

    def close(self) -> None:
        """Leaves the terminal, and waits for what is being saved."""
        self.books.leave_terminal()
        self.checkpoints.close()
