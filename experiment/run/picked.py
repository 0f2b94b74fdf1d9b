"""The learners of one setting of a run, to play or to begin from."""

from dataclasses import replace
from typing import Any, NamedTuple

import jax

from experiment.errors import InputError
from experiment.run import divergence, halving, policy
from experiment.run.checkpoints import Checkpoints
from experiment.run.learners import Learners
from experiment.run.metrics_file import MetricsFile
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes
from experiment.setup.config import RunConfig


class Picked(NamedTuple):
    """What can be played of a run."""

    update: int  # updates behind the learners
    learners: Any  # [N, ...] of those that did not diverge
    seeds: list[int]  # their numbers within the setting


def restored(folder: RunFolder, config: RunConfig, setting: int, like: Any) -> Picked:
    """Learners of one setting, from the newest good checkpoint.

    Of a folder that `experiment.keep` made, what acting reads of its one learner.

    Args:
      folder: of the run.
      config: of the whole run.
      setting: its number; 0 of a run that has one.
      like: learners [S, ...] of the whole run, as shapes and types.

    Raises:
      InputError: if there is no usable checkpoint, or all of them diverged.
    """
    if folder.is_kept:
        return Picked(*policy.read(folder.policy, config, like), [0])
    update, learners = Checkpoints(folder.checkpoints, config).restore(like)
    count = config.schedule.num_seeds
    first = setting * count
    if config.sweep:
        learners = jax.tree.map(lambda x: x[first : first + count], learners)
    numbers = range(first, first + count)
    learners, seeds = divergence.healthy(folder.diverged, update, learners, numbers)
    return Picked(update, learners, seeds)


def taken_out(
    folder: RunFolder, config: RunConfig, setting: int, target: RunFolder
) -> None:
    """Makes a run of one setting's learners, as they are, which then goes on alone.

    Its configuration is written last: until then there is no run to be found there.

    Args:
      folder: of the run that has settings.
      config: of that run.
      setting: its number.
      target: the folder to make.

    Raises:
      InputError: if there is no usable checkpoint, or one of its learners diverged.
      MachineError: if it cannot be written.
    """
    alone = config.alone(setting)
    place = replace(alone.schedule, run_dir=str(target.path))
    alone = replace(alone, schedule=place)
    like = learner_shapes(build_agent(alone), config)
    update, learners = Checkpoints(folder.checkpoints, config).restore(like)
    numbers = halving.learners(config, [setting])
    sick = [one for one in divergence.known(folder.diverged, update)
            if one.seed in numbers]  # fmt: skip
    if sick:
        raise InputError(f"setting={setting} cannot go on: {sick[0]}.")
    for cut in halving.known(folder.halving, update):
        update = cut.update if setting in cut.stopped else update
    named = Learners.of(config)
    rows = named.rows_of(setting, MetricsFile(folder.metrics, named).read())
    with target.owned(new=True):
        file = MetricsFile(target.metrics)
        file.append([row for row in rows if row["update"] <= update])
        Checkpoints(target.checkpoints, alone).save(
            update, halving.part(learners, numbers)
        )
        target.create(alone)
