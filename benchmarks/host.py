"""For which share of a run's wall clock does the device wait for the host?

    python -m benchmarks.host
    python -m benchmarks.host --updates 20 --repeat 1

PPO on `memory_chain`, at sizes whose update takes about 5 ms on a CPU. A run is trained
as `train.py` does it: rows, TensorBoard and checkpoints, in a temporary folder. Before
it, the same compiled update runs back to back (`update_ms`). In the run's loop, each
update that is handed over looks whether the one before is done: then the device has
nothing to do, and had nothing since the one before must have ended, `update_ms` after
it was handed over. `idle` is that time's share of the loop's wall clock, `starved` the
share of updates that found the device so. `loop_ms` is wall clock an update: what it is
above both is a device that is slower while the host works, for on a CPU they share the
cores. Prints a JSON object a round, and one with the medians.
"""

import argparse
import contextlib
import io
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import jax

from benchmarks.measure import machine, positive
from experiment.run.loop import Loop
from experiment.run.run_folder import RunFolder
from experiment.run.training import train
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent

SIZES = (
    *("env=memory_chain", "env.memory_length=31", "core=s5", "core.features=16"),
    *("core.num_layers=1", "core.state_size=16", "agent.encoder_sizes=[16]"),
    *("agent.head_sizes=[]", "agent.num_envs=16", "agent.num_minibatches=4"),
    *("agent.epochs=7", "seed=0", "num_seeds=1"),
)
STEPS = 16 * 32  # of an update


def configured(updates: int, overrides: list[str]) -> run_config.RunConfig:
    """The configuration of a run of so many updates."""
    cli.register()
    given = [*SIZES, f"total_steps={STEPS * updates}", *overrides]
    return run_config.load(cli.composed("train", given))


class Watched:
    """An update that notes for how long the device had nothing to do before it."""

    def __init__(self, update: Any, alone: float):
        self._update, self._alone = update, alone
        self._free: float | None = None  # when the device must be done at the earliest
        self.idle, self.starved = 0.0, 0

    def __call__(self, learners: Any) -> tuple[Any, Any]:
        now = time.perf_counter()
        if self._free is not None and jax.tree.leaves(learners)[0].is_ready():
            self.idle += max(0.0, now - self._free)
            self.starved += 1
            self._free = now
        result = self._update(learners)
        self._free = max(self._free or now, now) + self._alone
        return result


def alone(update: Any, learners: Any, count: int) -> float:
    """Seconds of an update, back to back; the learners are left as they are."""
    learners = jax.block_until_ready(jax.tree.map(jax.numpy.copy, learners))
    start = time.perf_counter()
    for _ in range(count):
        learners, metrics = update(learners)
    jax.block_until_ready((learners, metrics))
    return (time.perf_counter() - start) / count


def timed(config: run_config.RunConfig) -> dict[str, float]:
    """A run's measurements, as they are printed."""
    found: dict[str, float] = {}
    run, count = Loop.run, config.num_updates

    def watched_run(loop, update, learners, *rest):
        own = alone(update, learners, min(count, 200))
        watched = Watched(update, own)
        start = time.perf_counter()
        status = run(loop, watched, learners, *rest)
        wall = time.perf_counter() - start
        found["update_ms"], found["loop_ms"] = 1e3 * own, 1e3 * wall / count
        found["idle"], found["starved"] = watched.idle / wall, watched.starved / count
        return status

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(Loop, "run", watched_run),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        agent = build_agent(config)
        status = train(agent, config, RunFolder(Path(folder) / "run"), resume=False)
    assert status == 0, status
    return found


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=positive, default=2000)
    parser.add_argument("--repeat", type=positive, default=3, help="rounds")
    parser.add_argument("overrides", nargs="*", help="key=value, as for train.py")
    flags = parser.parse_args(argv)
    config = configured(flags.updates, flags.overrides)
    rows = []
    for _ in range(flags.repeat):
        rows.append(timed(config))
        _print("round", rows[-1], flags)
    median = {key: statistics.median(row[key] for row in rows) for key in rows[0]}
    _print("median", median, flags)


def _print(kind: str, row: dict[str, float], flags: argparse.Namespace) -> None:
    rounded = {key: float(f"{value:.4g}") for key, value in row.items()}
    facts = {"benchmark": "host", "row": kind, **vars(flags)}
    print(json.dumps(facts | rounded | machine()), flush=True)


if __name__ == "__main__":
    main()
