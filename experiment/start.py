"""What `train.py` does once its command line is read: a run begins, or goes on.

`experiment.train` does the same from Python (`experiment.in_python`). Importing this
imports no JAX: what can be refused without it is refused in a fraction of a second.
"""

import dataclasses
from pathlib import Path
from typing import Any

from experiment.errors import InputError
from experiment.histories.pinned import opened, pinned
from experiment.run import outcome
from experiment.run.run_folder import RunFolder, shared
from experiment.setup import cli, keys, sections, trust
from experiment.setup import config as run_config
from experiment.setup.devices import MeshConfig

RESUMABLE = (
    *("resume", "total_steps", *run_config.WANDB, "devices", "mesh.seeds", "trust"),
    "setting",
)


def start(
    config: run_config.RunConfig, cache: str = "on", folder: RunFolder | None = None
) -> int:
    """Runs from the start, in a new folder.

    Args:
      config: of the run.
      cache: of compiled programs, as `experiment.compiled.keep` has it.
      folder: where it goes, if that was chosen already.

    Returns:
      The exit status (`experiment.errors`).
    """
    cli.need_wandb(config.schedule.wandb)
    config = pinned(config)
    folder = folder or shared(lambda: RunFolder.choose(config))
    return _train(folder, config, cache, resume=False)


def resume(options: dict[str, Any], cache: str = "on") -> int:
    """Goes on with a run; only its length, its devices and its W&B mode may change.

    Of a run with settings `setting=3` alone goes on, in `run_dir` or beside it.
    """
    own = (*RESUMABLE, *(("run_dir",) if "setting" in options else ()))
    refused = [key for key in keys.flat(options) if key not in own]
    if refused:
        raise InputError(
            f"with resume=, only {', '.join(RESUMABLE[1:])} can be set, for the "
            f"rest is the run's own; got {', '.join(refused)}."
        )
    trusted = options.pop("trust", False)
    path = str(options.pop("resume"))
    folder = shared(lambda: RunFolder.existing(path, "resume"))
    if folder.is_kept:
        raise InputError(
            f"resume={path} is a learner that was kept for acting, without the rest "
            f"that training goes on with: begin a new run from it, with init={path}."
        )
    config = folder.load_config()
    trust.check(config, folder.path, trusted)
    if "setting" in options:
        setting = outcome.setting_of(folder, config, options.pop("setting"))
        if config.sweep:
            return _resume_one(folder, config, setting, options, cache)
    config = longer(config, options)
    cli.need_wandb(config.schedule.wandb)
    # What was trained is not told anew: its record says how long that took. (Another
    # place to send it to is another matter.)
    if not set(options) & set(run_config.WANDB):
        if (known := outcome.ended(folder, config)) is not None:
            said, status = known
            print(f"{folder.path} {said}; total_steps= makes it longer", flush=True)
            return status
    return _train(folder, config, cache, resume=True)


def _resume_one(
    folder: RunFolder,
    config: run_config.RunConfig,
    setting: int,
    options: dict[str, Any],
    cache: str,
) -> int:
    """Goes on with one setting of a run, in a folder of its own beside it."""
    beside = f"{folder.path}-setting_{setting}"
    target = RunFolder(Path(options.pop("run_dir", beside)))
    if not target.config.exists():
        from experiment.run import picked  # which imports JAX

        picked.taken_out(folder, config, setting, target)
    return resume({"resume": str(target.path), **options}, cache)


def longer(
    config: run_config.RunConfig, options: dict[str, Any]
) -> run_config.RunConfig:
    """A run's configuration with another schedule or mesh, to go on with it.

    Raises:
      InputError: for a value that cannot be, or fewer steps than it was begun with.
    """
    own, given = config.schedule, dict(options)
    mesh = dataclasses.asdict(config.mesh) | given.pop(sections.MESH, {})
    mesh = sections.typed(MeshConfig, mesh, sections.MESH)
    schedule = sections.typed(run_config.Schedule, dataclasses.asdict(own) | given)
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
