"""The host's side of training: it compiles once, then watches, saves and stops."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import jax

import envs
from experiment import signals
from experiment.errors import DIVERGED, OK, SIGNAL
from experiment.report import plots
from experiment.run import metrics as metrics_module
from experiment.run.checkpoints import Checkpoints
from experiment.run.metrics import Boards, MetricsFile, Row
from experiment.run.progress import Ticker
from experiment.run.run_folder import RunFolder
from experiment.setup import config as run_config
from experiment.setup.building import (
    initialise_seeds,
    learner_shapes,
    over_seeds,
    seed_keys,
)
from experiment.setup.config import RunConfig


def train(agent: Any, config: RunConfig, folder: RunFolder, *, resume: bool) -> int:
    """Trains from the start, or from the newest checkpoint, to `total_steps`.

    The host gets control every `log_every` updates. Logging, saving and stopping all
    happen there, so where a run was interrupted leaves no trace in what it computes.

    Returns:
      The exit status (`experiment.errors`).

    Raises:
      InputError: if there is nothing to resume from.
    """
    began = time.perf_counter()
    shapes = learner_shapes(agent, config)
    done, learners = 0, None
    if resume:
        done, learners = Checkpoints(folder.checkpoints).restore(shapes)
    folder.create(config)
    folder.write_manifest()
    print(f"run folder: {folder.path}", flush=True)
    update, order = _compile_update(agent, shapes)
    if learners is None:
        learners = jax.block_until_ready(initialise_seeds(agent, seed_keys(config)))
    compile_seconds = time.perf_counter() - began
    num_parameters = sum(x.size for x in jax.tree.leaves(learners.params))
    num_parameters //= config.schedule.num_seeds
    print(
        f"compiled in {compile_seconds:.1f} s; {num_parameters:,} parameters, "
        f"{config.schedule.num_seeds} seed(s) on {jax.devices()[0].device_kind}",
        flush=True,
    )
    loop = _Loop(config, folder, done, order)
    try:
        status = loop.run(update, learners)
    finally:
        loop.close()
    wall_seconds = time.perf_counter() - began
    rows = loop.file.read()
    plots.learning_curve(
        rows,
        folder.learning_curve,
        title=f"{config.env.name} · {config.core.name} · {config.agent.name}",
        levels=envs.levels(config.env.name, config.env.params)._asdict(),
    )
    if status == OK:
        summary = summarise(rows, config) | {
            "wall_seconds": wall_seconds,
            "compile_seconds": compile_seconds,
            "steps_per_second": loop.ticker.speed,
            "num_parameters": num_parameters,
        }
        folder.write_summary(summary)
        print(f"final_return {summary['final_return']} in {wall_seconds:.1f} s")
    return status


def _compile_update(agent: Any, shapes: Any) -> tuple[Any, list[str]]:
    """The compiled update of all seeds, and its metrics' names in the agent's order."""
    order: list[str] = []

    def one_update(learner: Any) -> tuple[Any, Mapping[str, Any]]:
        learner, metrics = agent.update(learner)
        order[:] = metrics  # seen while tracing; jit gives dicts back sorted by name
        return learner, metrics

    update = jax.jit(over_seeds(one_update), donate_argnums=0)
    # From shapes, or a resumed run would compile another program than a new one.
    return update.lower(shapes).compile(), order


class _Loop:
    """Everything that is open while a run goes on."""

    def __init__(
        self, config: RunConfig, folder: RunFolder, done: int, order: Sequence[str]
    ):
        self.config, self.done, self.order = config, done, order
        self.steps_per_update = config.agent.options.steps_per_update
        self.file = MetricsFile(folder.metrics)
        self.file.cut(done)
        self.checkpoints = Checkpoints(folder.checkpoints)
        done_steps = done * self.steps_per_update
        self.boards = Boards(
            folder.tensorboard,
            wandb=config.schedule.wandb,
            config=run_config.dump(config),
            start=done_steps,
        )
        total_steps = config.num_updates * self.steps_per_update
        self.ticker = Ticker(total_steps, done_steps, config.schedule.num_seeds)

    def run(self, update: Any, learners: Any) -> int:
        schedule = self.config.schedule
        saved = self.done
        with signals.deferred() as asked:
            while self.done < self.config.num_updates:
                window = []
                left = self.config.num_updates - self.done
                for _ in range(min(schedule.log_every, left)):
                    learners, metrics = update(learners)
                    window.append(metrics)
                window = [
                    {name: metrics[name] for name in self.order}
                    for metrics in jax.device_get(window)
                ]
                bad = metrics_module.first_non_finite(window)
                if bad is not None:
                    self._report_divergence(*bad, saved)
                    return DIVERGED
                self.done += len(window)
                self._log(window)
                stop = asked.received is not None
                last = self.done == self.config.num_updates
                if stop or last or self.done - saved >= schedule.checkpoint_every:
                    self.checkpoints.save(self.done, learners)
                    saved = self.done
                if asked.received is not None and not last:
                    return SIGNAL + asked.received
        return OK

    def _log(self, window: Sequence[Mapping[str, Any]]) -> None:
        rows = metrics_module.make_rows(
            metrics_module.reduce_window(window),
            env_steps=self.done * self.steps_per_update,
            update=self.done,
        )
        self.file.append(rows)
        self.ticker.show(rows)
        self.boards.write(rows, self.ticker.speed)

    def _report_divergence(self, index: int, seed: int, name: str, saved: int) -> None:
        self.ticker.close()
        kept = (
            f"the checkpoint of update {saved} is kept" if saved else "none was saved"
        )
        print(
            f"training diverged: {name} is not finite at update "
            f"{self.done + index + 1} of seed {seed}; {kept}.",
            flush=True,
        )

    def close(self) -> None:
        self.ticker.close()
        self.boards.close()
        self.checkpoints.close()


def summarise(rows: Sequence[Row], config: RunConfig) -> dict[str, Any]:
    """The outcome, read from metrics.csv and nothing else.

    `final_return` is the mean over seeds of the mean return of the episodes that ended
    in the last tenth of training; None if in some seed none did.
    """
    total = rows[-1]["env_steps"]
    late = [row for row in rows if row["env_steps"] > 0.9 * total]
    per_seed = [
        _mean_return([row for row in late if row["seed"] == seed])
        for seed in range(config.schedule.num_seeds)
    ]
    known = [value for value in per_seed if value is not None]
    complete = len(known) == len(per_seed)
    return {
        "env": config.env.name,
        "core": config.core.name,
        "agent": config.agent.name,
        "num_seeds": config.schedule.num_seeds,
        "env_steps": total,
        "final_return": sum(known) / len(known) if complete else None,
        "final_return_per_seed": per_seed,
    }


def _mean_return(rows: Sequence[Row]) -> float | None:
    ended = [row for row in rows if row["episode/return"] is not None]
    count = sum(row["episode/count"] for row in ended)
    if not count:
        return None
    return sum(row["episode/return"] * row["episode/count"] for row in ended) / count
