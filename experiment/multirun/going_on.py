"""What is left to do of a job whose folder may hold it already. Free of JAX.

A multirun over the folder of an earlier one passes over what has ended, goes on with
what was begun, and begins the rest. A folder that holds something else is refused, for
its name says only what the job has that its neighbours have not.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiment.errors import OK, InputError
from experiment.histories.pinned import pinned
from experiment.run import unchanged
from experiment.run.outcome import ended
from experiment.run.run_folder import RunFolder
from experiment.setup.command import typed
from experiment.setup.config import WANDB, RunConfig


@dataclass(frozen=True)
class Left:
    """What is left of a job.

    Attributes:
      arguments: of train.py; none where nothing is left.
      said: what was found; empty where nothing was there.
      status: of a job that has ended.
    """

    arguments: Sequence[str] | None
    said: str = ""
    status: int = OK


def left(config: RunConfig, arguments: Sequence[str]) -> Left:
    """Looks into the folder of a job.

    Args:
      config: of the job, with its folder.
      arguments: that it would begin with.

    Raises:
      InputError: if another run lies there, or one that cannot be read.
    """
    path = config.schedule.run_dir
    folder = RunFolder(Path(path)) if path is not None else None
    if folder is None or not folder.config.exists():
        return Left(arguments)
    own = folder.load_config()
    _check_same(config, own, folder)
    if (known := ended(folder, config)) is not None:
        return Left(None, *known)
    return Left([f"resume={path}", *_changed(config, own)], "goes on")


def _check_same(config: RunConfig, own: RunConfig, folder: RunFolder) -> None:
    """What a run settles as it begins is its own, where the job leaves it open."""
    schedule, mesh = config.schedule, config.mesh
    if not isinstance(schedule.log_every, int):  # a time, made a number of updates
        schedule = dataclasses.replace(schedule, log_every=own.schedule.log_every)
    if mesh.envs is None:
        mesh = dataclasses.replace(mesh, envs=own.mesh.envs)
    asked = dataclasses.replace(pinned(config), schedule=schedule, mesh=mesh)
    if found := unchanged.changes(unchanged.plain(own), asked):
        raise InputError(
            f"{folder.path} holds another run than this job: {'; '.join(found)}. "
            "Choose another run_dir."
        )


def _changed(config: RunConfig, own: RunConfig) -> list[str]:
    """What may be said anew when a run goes on."""
    asked, was = config.schedule, own.schedule
    found = [f"devices={asked.devices}"]
    for key in WANDB:
        if getattr(asked, key) != getattr(was, key):
            found.append(f"{key}={typed(getattr(asked, key))}")
    if asked.total_steps > was.total_steps:
        found.append(f"total_steps={asked.total_steps}")
    if config.mesh.seeds is not None:
        found.append(f"mesh.seeds={config.mesh.seeds}")
    # It was typed: the job names the same code as its folder.
    return [*found, "trust=true"] if "entry_point" in config.env.params else found
