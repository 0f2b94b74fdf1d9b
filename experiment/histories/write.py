"""Making histories, and writing them a shard at a time."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiment import files
from experiment.histories.stored import FACTS, FIELDS, FORMAT, file_digest, name
from experiment.setup.building import computing, over_seeds
from experiment.setup.config import RunConfig

EVERY = 10  # seconds between two lines that say how far it is


def write(agent: Any, config: RunConfig, path: Path, count: int) -> None:
    """Writes `count` histories of the agent's sources, `agent.num_envs` a shard.

    The folder is there whole or not at all.

    Raises:
      InputError, MachineError: if it is there already, or cannot be written.
    """
    size, began = config.agent.options.num_envs, time.perf_counter()
    said = began
    key = jax.random.key(config.schedule.seed)
    # Agents are built for several learners at once; here there is one.
    make = jax.jit(over_seeds(lambda n: agent.histories(jax.random.fold_in(key, n))))
    digests, returns = {}, []
    with files.new_folder(path) as place, computing(config):
        print(f"making {count:,} histories, {size} at a time ...", flush=True)
        for shard, first in enumerate(range(0, count, size)):
            history = jax.device_get(make(np.array([shard])))
            lanes = {
                field: np.swapaxes(getattr(history, field)[0], 0, 1)[: count - first]
                for field in FIELDS
            }
            lanes["action"] = lanes["action"].astype(np.min_scalar_type(
                agent.env.num_actions - 1
            ))  # fmt: skip
            returns.append(trial_returns(lanes, agent.env.num_trials))
            for field in FIELDS:
                file = place / name(shard, field)
                np.save(file, np.ascontiguousarray(lanes[field]))
                files.sync(file)
                digests[file.name] = file_digest(file)
            if time.perf_counter() - said > EVERY:
                said = time.perf_counter()
                print(f"{min(first + size, count):,} of {count:,}", flush=True)
        facts = {
            "format": FORMAT,
            "count": count,
            "length": config.agent.options.rollout_length,
            "shard": size,
            "seed": config.schedule.seed,
            "env": dataclasses.asdict(config.env),
            "source": _source(config.agent.options),
            # of a recorded trial, over all histories; null where none ended
            "returns": [_known(x) for x in _means(np.concatenate(returns))],
            "files": digests,
        }
        files.write_json(place / FACTS, facts)
    seconds = time.perf_counter() - began
    print(f"{count:,} histories in {path}, in {seconds:.1f} s")


def _source(options: Any) -> dict[str, Any]:
    every = dataclasses.asdict(options)
    return {name: x for name, x in every.items() if name.startswith("source")}


def trial_returns(lanes: dict[str, np.ndarray], num_trials: int) -> np.ndarray:
    """[n, K] returns of the first meta-episode's trials; NaN of those that did not end.

    Args:
      lanes: fields of histories, [n, L, ...].
      num_trials: K.
    """
    found = np.full((len(lanes["reward"]), num_trials), np.nan)
    for row, total, ended, reset in zip(
        found, lanes["reward"], lanes["trial_ended"], lanes["reset"], strict=True
    ):
        later = np.flatnonzero(reset[1:])
        last = later[0] + 1 if len(later) else len(reset)
        ends = np.flatnonzero(ended[:last]) + 1
        pieces = np.split(total[:last], ends)[: len(ends)]
        row[: len(ends)] = [piece.sum() for piece in pieces]
    return found


def _means(returns: np.ndarray) -> list[float]:
    known = np.isfinite(returns)
    total = np.where(known, returns, 0).sum(0)
    return (total / np.where(known.sum(0) > 0, known.sum(0), np.nan)).tolist()


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 6)
