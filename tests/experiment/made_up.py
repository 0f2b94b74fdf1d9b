"""Runs that nobody trained, for tests of what reads runs."""

import functools
import gzip
import itertools
import json
import zlib

import numpy as np

from experiment.evaluate.trials import FILE as TRIALS_FILE
from experiment.run.learners import Learners
from experiment.run.metrics import make_rows, reduce_window
from experiment.run.metrics_file import MetricsFile
from experiment.run.outcome import summarise
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config


def write_run(
    path,
    *overrides,
    best=0.8,
    num_parameters=10_000,
    wall_seconds=100.0,
    devices=("cpu",),
    transfer=None,
):
    """A finished run as train.py leaves it, made up; returns `path`.

    Returns rise from 0 to about `best`, by another amount in every seed. `transfer`
    holds options of `write_transfer`.
    """
    config = _composed("num_seeds=3", *overrides)
    folder = RunFolder(path)
    folder.create(config)
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    _write_metrics(folder, config, best, rng)
    rows = MetricsFile(folder.metrics, Learners.of(config)).read()
    costs = {
        "wall_seconds": wall_seconds,
        "compile_seconds": wall_seconds / 8,
        "steps_per_second": 1e6 / wall_seconds,
        "num_parameters": num_parameters,
    }
    folder.write_summary(summarise(rows, config) | costs)
    starts = {"starts": [{"devices": [device]} for device in devices]}
    folder.manifest.write_text(json.dumps(starts))
    if transfer is not None:
        write_transfer(path, **{"num_seeds": config.schedule.num_seeds} | transfer)
    return path


@functools.cache
def _composed(*overrides):
    cli.register()
    return run_config.load(cli.composed("train", overrides))


def _write_metrics(folder, config, best, rng, points=120):
    luck = rng.normal(0, 0.04, config.num_learners)
    file = MetricsFile(folder.metrics, Learners.of(config))
    for point in range(1, points + 1):
        noise = rng.normal(0, 0.03, luck.shape)
        rise = best * (1 - np.exp(-4 * point / points))
        ended = np.full(luck.shape, point > 2)  # no episode ends in the first two
        window = {
            "episode/count": 8 * ended,
            "episode/return": 8 * ended * (rise + luck + noise),
            "loss/value": 0.1 + noise**2,
        }
        steps = config.schedule.total_steps * point // points
        rows = make_rows(reduce_window([window]), env_steps=steps, update=point)
        file.append(rows)


def write_transfer(
    path,
    *,
    num_seeds=3,
    tasks=12,
    trained=8,
    trials=12,
    gain=0.5,
    start=0.2,
    splits=("train", "held_out", "shifted", "bodies"),
    controls=("none", "cleared"),
    levels=(0.1, 1.0, "linear quadratic regulator"),
    name="transfer-20260101-000000",
):
    """An evaluation in which returns rise by `gain` over trials, less on each split."""
    rng = np.random.default_rng(zlib.crc32(path.name.encode()))
    folder = path / "evaluations" / name
    folder.mkdir(parents=True)
    lines = ["split,control,seed,task,trial,return,length"]
    for far, split in enumerate(splits):
        hard, luck = rng.normal(0, 0.08, tasks), rng.normal(0, 0.04, num_seeds)
        for control, seed, task, trial in itertools.product(
            controls, range(num_seeds), range(tasks), range(trials)
        ):
            learned = gain / (1 + far) if control == "none" else 0.0
            value = start + learned * (1 - np.exp(-trial / 2)) + luck[seed] + hard[task]
            value = float(value + rng.normal(0, 0.05))
            lines.append(f"{split},{control},{seed},{task},{trial + 1},{value!r},20")
    (folder / TRIALS_FILE).write_bytes(gzip.compress("\n".join(lines).encode()))
    named = dict(zip(("random", "expert", "expert_name"), levels, strict=True))
    unknown = {"random": levels[0], "expert": None, "expert_name": None}
    result = {
        "env": "memory_chain",
        "core": "s5",
        "num_trials_trained": trained,
        "num_trials": trials,
        "levels": {s: unknown if s == "bodies" else named for s in splits},
    }
    (folder / "result.json").write_text(json.dumps(result))
    return folder
