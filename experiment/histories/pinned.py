"""The histories of a run: which, found to be the same ones, and fit for it."""

import dataclasses
from pathlib import Path

from experiment.errors import InputError
from experiment.histories.stored import Stored, digest_of
from experiment.setup.config import RunConfig


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
        environment or too short.
    """
    options = config.agent.options
    path = getattr(options, "histories", None)
    if path is None:
        return None
    stored = Stored(Path(path), options.histories_digest)
    theirs = stored.facts.get("env", {}).get("name")
    if theirs != config.env.name:
        raise InputError(
            f"agent.histories={path} are of {theirs}, and this run is of "
            f"{config.env.name}."
        )
    if stored.length < options.rollout_length:
        raise InputError(
            f"agent.histories={path} have {stored.length} steps, and "
            f"agent.rollout_length asks for {options.rollout_length}."
        )
    return stored
