"""The histories of a run: which, found to be the same ones, and fit for it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from experiment.errors import InputError
from experiment.histories.stored import Stored, digest_of
from experiment.setup.config import RunConfig

# How many trials a learner plays beside its histories changes nothing about them.
FREE = ("num_trials",)


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
    theirs = stored.facts.get("env", {})
    if theirs.get("name") != config.env.name:
        raise InputError(
            f"agent.histories={path} are of {theirs.get('name')}, and this run is of "
            f"{config.env.name}."
        )
    _check_same_tasks(path, theirs.get("params", {}), config.env.params)
    if stored.length < options.rollout_length:
        raise InputError(
            f"agent.histories={path} have {stored.length} steps, and "
            f"agent.rollout_length asks for {options.rollout_length}."
        )
    return stored


def _check_same_tasks(path: str, theirs: dict[str, Any], own: dict[str, Any]) -> None:
    """Of what both say of their environment; histories from elsewhere may say less."""
    own = json.loads(json.dumps(own))  # as histories.json has it: lists, no tuples
    for name in own.keys() & theirs.keys() - {*FREE}:
        if own[name] != theirs[name]:
            raise InputError(
                f"agent.histories={path} were made with env.{name}={theirs[name]}, and "
                f"this run has env.{name}={own[name]}."
            )
