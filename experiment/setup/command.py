"""From a configuration back to a command line: the shortest that makes it again."""

import json
from typing import Any

from experiment.setup import cli, keys
from experiment.setup import config as run_config
from experiment.setup.config import RunConfig
from experiment.setup.sections import EXAMPLES

_CHOICE = tuple(f"{section}.name" for section in EXAMPLES)


def arguments_of(config: RunConfig) -> list[str]:
    """What train.py needs to be told: what is chosen by name, and what differs then."""
    own = keys.flat(run_config.dump(config))
    chosen = [f"{section}={own[f'{section}.name']}" for section in EXAMPLES]
    usual = keys.flat(run_config.dump(run_config.load(cli.composed("train", chosen))))
    return chosen + [
        f"{key}={typed(value)}"
        for key, value in own.items()
        if key not in _CHOICE and (key not in usual or usual[key] != value)
    ]


def typed(value: Any) -> str:
    """As a command line has it: text bare, the rest as JSON, which YAML reads alike."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
