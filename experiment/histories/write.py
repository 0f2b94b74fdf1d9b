"""Making histories, and writing them a shard at a time."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import agents
from experiment import files
from experiment.histories.stored import FACTS, FIELDS, FORMAT, file_digest, name
from experiment.setup.building import computing, over_seeds
from experiment.setup.config import RunConfig

EVERY = 10  # seconds between two lines that say how far it is


@dataclass(frozen=True)
class Maker:
    """What makes histories, and what is told of it.

    Attributes:
      env: that they are of.
      size: how many at a time, and in a shard.
      length: L, steps of each.
      make: from the number of a shard to its histories, fields [size, L, ...].
      source: who learns, for histories.json.
    """

    env: Any
    size: int
    length: int
    make: Callable[[int], dict[str, np.ndarray]]
    source: dict[str, Any]


def of_tables(agent: Any, config: RunConfig) -> Maker:
    """Of the sources of `agent=distill`."""
    options, key = config.agent.options, jax.random.key(config.schedule.seed)

    @jax.jit
    @over_seeds  # agents are built for several learners at once; here there is one
    def record(shard: Any) -> dict[str, Any]:
        history = agent.histories(jax.random.fold_in(key, shard))
        return {field: getattr(history, field) for field in FIELDS}  # and no law

    def make(shard: int) -> dict[str, np.ndarray]:
        found = jax.device_get(record(np.array([shard])))
        return {field: np.swapaxes(x[0], 0, 1) for field, x in found.items()}

    every = dataclasses.asdict(options)
    source = {name: x for name, x in every.items() if name.startswith("source")}
    return Maker(agent.env, options.num_envs, options.rollout_length, make, source)


def of_learners(agent: Any, config: RunConfig, every: int) -> Maker:
    """Of learners of another agent, `num_seeds` at a time, each in one task.

    Args:
      agent: that learns.
      config: of such a learner, to its end.
      every: updates for a rollout on the record.
    """
    size, options = config.schedule.num_seeds, config.agent.options
    records = config.num_updates // every
    key = jax.random.key(config.schedule.seed)

    @jax.jit
    def begun(shard: Any) -> Any:
        keys = jax.random.split(jax.random.fold_in(key, shard), size)
        # One after another: see `agents.acting.agent.Agent`.
        return jax.lax.map(agent.initialise, keys)

    @jax.jit
    def played(learners: Any) -> Any:
        one = partial(agents.history, agent, records=records, every=every)
        return over_seeds(one)(learners)

    def make(shard: int) -> dict[str, np.ndarray]:
        history = jax.device_get(played(begun(np.uint32(shard))))
        return {field: getattr(history, field)[:, :, 0] for field in FIELDS}

    source = {"agent": dataclasses.asdict(config.agent), "updates": config.num_updates}
    source |= {"core": dataclasses.asdict(config.core), "every": every}
    return Maker(agent.env, size, records * options.rollout_length, make, source)


def write(maker: Maker, config: RunConfig, path: Path, count: int) -> None:
    """Writes `count` histories, a shard at a time.

    The folder is there whole or not at all.

    Raises:
      InputError, MachineError: if it is there already, or cannot be written.
    """
    began = time.perf_counter()
    digests, returns, later = {}, [], []
    with files.new_folder(path) as place, computing(config):
        for shard, lanes in _shards(maker, count):
            if np.issubdtype(lanes["action"].dtype, np.integer):
                least = np.min_scalar_type(maker.env.num_actions - 1)
                lanes["action"] = lanes["action"].astype(least)
            returns.append(trial_returns(lanes, maker.env.num_trials))
            later.append(by_tenth(lanes))
            for field in FIELDS:
                file = place / name(shard, field)
                np.save(file, np.ascontiguousarray(lanes[field]))
                files.sync(file)
                digests[file.name] = file_digest(file)
        facts = {
            "format": FORMAT,
            "count": count,
            "length": maker.length,
            "shard": maker.size,
            "seed": config.schedule.seed,
            "env": dataclasses.asdict(config.env),
            "source": maker.source,
            # of a recorded trial, over all histories; null where none ended
            "returns": [_known(x) for x in _means(np.concatenate(returns))],
            # of the trials that ended in each tenth of a history, likewise
            "progress": [_known(x) for x in _means(np.concatenate(later))],
            "files": digests,
        }
        files.write_json(place / FACTS, facts)
    seconds = time.perf_counter() - began
    print(f"{count:,} histories in {path}, in {seconds:.1f} s")


def _shards(maker: Maker, count: int) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Of all histories; says how far it is."""
    print(f"making {count:,} histories, {maker.size} at a time ...", flush=True)
    said = time.perf_counter()
    for shard, first in enumerate(range(0, count, maker.size)):
        lanes = maker.make(shard)
        yield shard, {field: x[: count - first] for field, x in lanes.items()}
        if time.perf_counter() - said > EVERY:
            said = time.perf_counter()
            print(f"{min(first + maker.size, count):,} of {count:,}", flush=True)


def trial_returns(lanes: dict[str, np.ndarray], num_trials: int) -> np.ndarray:
    """[n, K] returns of the first meta-episode's trials; NaN of those that did not end.

    Args:
      lanes: fields of histories, [n, L, ...].
      num_trials: K; later ones are left out.
    """
    found = np.full((len(lanes["reward"]), num_trials), np.nan)
    for row, total, ended, reset in zip(
        found, lanes["reward"], lanes["trial_ended"], lanes["reset"], strict=True
    ):
        later = np.flatnonzero(reset[1:])
        last = later[0] + 1 if len(later) else len(reset)
        _, sums = _trials(total[:last], ended[:last])
        row[: len(sums)] = sums[:num_trials]
    return found


def by_tenth(lanes: dict[str, np.ndarray]) -> np.ndarray:
    """[N, 10] returns of all N trials that ended, each in the tenth of its end."""
    length = lanes["reward"].shape[1]
    rows = []
    for total, ended in zip(lanes["reward"], lanes["trial_ended"], strict=True):
        ends, sums = _trials(total, ended)
        row = np.full((len(ends), 10), np.nan)
        row[np.arange(len(ends)), ends * 10 // length] = sums
        rows.append(row)
    return np.concatenate(rows)


def _trials(total: np.ndarray, ended: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """The last steps of the trials that ended in rewards [L], and their returns."""
    ends = np.flatnonzero(ended)
    return ends, [piece.sum() for piece in np.split(total, ends + 1)[: len(ends)]]


def _means(returns: np.ndarray) -> list[float]:
    known = np.isfinite(returns)
    total = np.where(known, returns, 0).sum(0)
    return (total / np.where(known.sum(0) > 0, known.sum(0), np.nan)).tolist()


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
