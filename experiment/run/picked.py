"""The learners of one setting of a run, to play or to begin from."""

from typing import Any, NamedTuple

import jax

from experiment.run import divergence
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup.config import RunConfig


class Picked(NamedTuple):
    """What can be played of a run."""

    update: int  # updates behind the learners
    learners: Any  # [N, ...] of those that did not diverge
    seeds: list[int]  # their numbers within the setting


def restored(folder: RunFolder, config: RunConfig, setting: int, like: Any) -> Picked:
    """Learners of one setting, from the newest good checkpoint.

    Args:
      folder: of the run.
      config: of the whole run.
      setting: its number; 0 of a run that has one.
      like: learners [S, ...] of the whole run, as shapes and types.

    Raises:
      InputError: if there is no usable checkpoint, or all of them diverged.
    """
    update, learners = Checkpoints(folder.checkpoints, config).restore(like)
    count = config.schedule.num_seeds
    first = setting * count
    if config.sweep:
        learners = jax.tree.map(lambda x: x[first : first + count], learners)
    numbers = range(first, first + count)
    learners, seeds = divergence.healthy(folder.diverged, update, learners, numbers)
    return Picked(update, learners, seeds)
