"""The histories of a run: which, found to be the same ones, and fit for it."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envs.fields import shown
from experiment.errors import InputError
from experiment.histories.stored import Stored, digest_of
from experiment.setup.config import RunConfig

# What a learner plays beside its histories, or how it would value that, changes nothing
# about them.
FREE = ("num_trials", "trial_discount", "step_budget")


def pinned(config: RunConfig) -> RunConfig:
    """A configuration that says which histories it means, to the byte.

    Raises:
      InputError: if they are not there.
    """
    options = config.agent.options
    path = getattr(options, "histories", None)
    if path is None or options.histories_digest is not None:
        return config
    digest = digest_of(Path(path))
    options = dataclasses.replace(options, histories_digest=digest)
    agent = dataclasses.replace(config.agent, options=options)
    return dataclasses.replace(config, agent=agent)


def opened(config: RunConfig) -> Stored | None:
    """The histories that a run learns from; None where it makes its own.

    Raises:
      InputError: if they are others than the run began with, damaged, of another
        environment or other tasks, or too short.
    """
    options = config.agent.options
    path = getattr(options, "histories", None)
    if path is None:
        return None
    stored = Stored(Path(path), options.histories_digest)
    name, params = stored.env
    if name != config.env.name:
        raise InputError(
            f"agent.histories={path} are of {name}, and this run is of "
            f"{config.env.name}."
        )
    check_same_tasks(path, params, config.env.params)
    if stored.length < options.rollout_length:
        raise InputError(
            f"agent.histories={path} have {stored.length} steps, and "
            f"agent.rollout_length asks for {options.rollout_length}."
        )
    return stored


def check_same_tasks(
    path: str, theirs: Mapping[str, Any], own: Mapping[str, Any]
) -> None:
    """Of what both say of their environment; histories from elsewhere may say less.

    Args:
      path: of the histories.
      theirs: settings of their environment, as histories.json has them.
      own: of the run's.

    Raises:
      InputError: naming the first that differs.
    """
    as_written = json.loads(json.dumps(dict(own)))  # lists, no tuples
    for name, value in as_written.items():
        if name in theirs and name not in FREE and value != theirs[name]:
            raise InputError(
                f"agent.histories={path} were made with env.{name}="
                f"{shown(theirs[name])}, and this run has env.{name}={shown(value)}."
            )
