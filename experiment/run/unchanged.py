"""Whether a run's configuration is still the one that its checkpoints are of."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import envs
from experiment.setup import config as run_config
from experiment.setup import keys
from experiment.setup.config import RunConfig, Schedule
from experiment.setup.devices import MeshConfig

# What may change: how far a run goes, where it lies, and who is told. No number that it
# computes and no row that it writes depends on these, but for a longer `total_steps`.
FREE = {
    *("total_steps", "checkpoint_every", "run_dir", "devices", "mesh.seeds"),
    *run_config.WANDB,
}


def plain(config: RunConfig) -> dict[str, Any]:
    """A configuration as JSON gives it back."""
    return json.loads(json.dumps(run_config.dump(config)))


def changes(stored: Mapping[str, Any], config: RunConfig) -> list[str]:
    """What differs, a phrase each: "agent.discount was 0.99 and is 0.9".

    A key that did not exist when the checkpoint was written must have its default.

    Args:
      stored: `plain` of the configuration that was trained.
      config: as config.yaml has it now.
    """
    was, now = keys.flat(stored), keys.flat(plain(config))
    was = {**{key: now[key] for key in _new_defaults(was, now, config)}, **was}
    return [
        f"{key} {_said(was, key, 'was')} and {_said(now, key, 'is')}"
        for key in sorted(was.keys() | now.keys())
        if key not in FREE
        and json.dumps(was.get(key, _ABSENT)) != json.dumps(now.get(key, _ABSENT))
    ]


_ABSENT = ["absent"]  # no value of a key that is there


def _said(values: Mapping[str, Any], key: str, verb: str) -> str:
    return f"{verb} {values[key]!r}" if key in values else f"{verb} not set"


def _new_defaults(
    was: Mapping[str, Any], now: Mapping[str, Any], config: RunConfig
) -> list[str]:
    """Keys that came after the checkpoint, and have the value that they had unsaid."""
    sections = {
        "": Schedule,
        "mesh.": MeshConfig,
        "env.": envs.spec(config.env.name).config,
        "core.": type(config.core.options),
        "agent.": type(config.agent.options),
    }
    defaults = {
        f"{prefix}{field.name}": field.metadata.get("unsaid", field.default)
        for prefix, section in sections.items()
        for field in dataclasses.fields(section)
        if field.default is not dataclasses.MISSING
    }
    return [
        key
        for key in now.keys() - was.keys()
        if key in defaults and _same(defaults[key], now[key])
    ]


def _same(default: Any, value: Any) -> bool:
    return json.dumps(default) == json.dumps(value)  # a tuple is a list there
