"""Trains an agent: `python train.py env=memory_chain core=gru seed=1 num_seeds=4`.

`python train.py --help` lists what can be set; `resume=RUN_DIR` goes on with a run.
Exit status: 0 done; 2 bad input; 3 diverged; 4 the machine failed (a full disk, say);
128 + n stopped by signal n (INT, TERM, HUP, USR1), after saving. Of a multirun, the
worst of its jobs.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import dataclasses
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from experiment.errors import InputError
from experiment.histories.pinned import opened, pinned
from experiment.run import hosts
from experiment.run.run_folder import RunFolder, shared
from experiment.setup import cli, distributed, keys, sweep, trust
from experiment.setup import config as run_config
from experiment.setup.devices import MeshConfig
from experiment.setup.help import train_help

RESUMABLE = ("resume", "total_steps", "wandb", "devices", "mesh.seeds", "trust")
FLAGS = ("--help", "-h", "--multirun", "-m")


def start(config: run_config.RunConfig, cache: str = "on") -> int:
    """Runs from the start, in a new folder; `cache` as `experiment.compiled` has it."""
    cli.need_wandb(config.schedule.wandb)
    config = pinned(config)
    folder = shared(lambda: RunFolder.choose(config))
    return _train(folder, config, cache, resume=False)


def resume(options: dict[str, Any], cache: str = "on") -> int:
    """Goes on with a run; only its length, its devices and its W&B mode may change."""
    refused = [key for key in keys.flat(options) if key not in RESUMABLE]
    if refused:
        raise InputError(
            f"with resume=, only {' and '.join(RESUMABLE[1:])} can be set, for the "
            f"rest is the run's own; got {', '.join(refused)}."
        )
    trusted = options.pop("trust", False)
    path = str(options.pop("resume"))
    folder = shared(lambda: RunFolder.existing(path, "resume"))
    config = folder.load_config()
    trust.check(config, folder.path, trusted)
    config = longer(config, options)
    cli.need_wandb(config.schedule.wandb)
    return _train(folder, config, cache, resume=True)


def longer(
    config: run_config.RunConfig, options: dict[str, Any]
) -> run_config.RunConfig:
    """A run's configuration with another schedule or mesh, to go on with it.

    Raises:
      InputError: for a value that cannot be, or fewer steps than it was begun with.
    """
    own, given = config.schedule, dict(options)
    mesh = dataclasses.asdict(config.mesh) | given.pop(run_config.MESH, {})
    mesh = run_config.typed(MeshConfig, mesh, run_config.MESH)
    schedule = run_config.typed(run_config.Schedule, dataclasses.asdict(own) | given)
    if schedule.total_steps < own.total_steps:
        raise InputError(
            f"total_steps ({schedule.total_steps}) must not be less than the run's own "
            f"({own.total_steps})."
        )
    try:
        return dataclasses.replace(config, schedule=schedule, mesh=mesh)
    except ValueError as error:
        raise InputError(str(error)) from error


def _train(
    folder: RunFolder, config: run_config.RunConfig, cache: str, *, resume: bool
) -> int:
    with folder.owned(new=not resume):
        # Only now, for importing JAX and gymnax takes seconds and errors should not.
        from experiment import compiled, importing

        compiled.keep(cache)
        importing.light_gymnax()
        from experiment.evaluate.teachers import teacher
        from experiment.run.training import train
        from experiment.setup.building import build_agent

        agent = build_agent(config, teacher=teacher(config), stored=opened(config))
        return train(agent, config, folder, resume=resume)


def load(arguments: Sequence[str]) -> run_config.RunConfig:
    """The configuration that the arguments ask for, checked."""
    return run_config.load(cli.composed("train", arguments))


def main() -> int:
    """Exit status."""
    given = sys.argv[1:]
    arguments = [argument for argument in given if argument not in FLAGS]
    # No part of a run: a run folder from elsewhere must not say what code is loaded.
    arguments, cache = cli.taken(arguments, keys.CACHE)
    cache = cache or "on"
    arguments, processes = distributed.taken(arguments)
    if cli.wants(given, "--help", "-h"):
        print(train_help(load(arguments)))
        return 0
    if cli.wants(given, "--multirun", "-m"):
        if processes is not None:
            raise InputError(
                f"--multirun makes several runs, and {distributed.KEY}= one of several "
                "processes: choose one of them."
            )
        return sweep.run_all(arguments, load, partial(start, cache=cache))
    work = _work(arguments, cache)
    return work() if processes is None else hosts.together(processes, work)


def _work(arguments: Sequence[str], cache: str) -> Callable[[], int]:
    """What is to be done, its arguments checked."""
    if any(argument.startswith("resume=") for argument in arguments):
        return partial(resume, cli.assignments(arguments), cache)
    return partial(start, load(arguments), cache)


if __name__ == "__main__":
    sys.exit(entry.status_of(main))
