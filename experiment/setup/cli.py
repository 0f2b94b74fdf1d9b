"""From a command line to a composed configuration; errors are one sentence, status 2.

Hydra composes; this module adds what it lacks: our exit status, the nearest known name,
one rule for all overrides. `key=value` sets a key whether or not a YAML file mentions
it, because the dataclasses and not the files say which keys exist.
"""

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

import envs
from envs.naming import nearest
from experiment.errors import InputError
from experiment.setup.config import EXAMPLES, not_chosen

CONFIGS = Path(__file__).parents[2] / "configs"
GROUPS = ("env", "core", "agent", "memory")
_KEY_VALUE = re.compile(r"^([A-Za-z_][\w.]*)=")


def register() -> None:
    """Makes every environment a choice of the group `env`, and sums available in YAML.

    An environment with a file under configs/env is chosen from there.
    """
    OmegaConf.register_new_resolver("add", _add, replace=True)
    store = ConfigStore.instance()
    for name in envs.names():
        if (CONFIGS / "env" / f"{name}.yaml").exists():
            continue
        folder, _, leaf = name.rpartition("/")
        group = f"env/{folder}" if folder else "env"
        store.store(name=leaf, group=group, package="env", node={"name": name})


def _add(*terms: Any) -> Any:
    # What is not a number is left for the check of the key it stands in, which can say
    # more about it than a failed sum could.
    return sum(terms) if all(isinstance(t, int | float) for t in terms) else None


def prepare(argv: Sequence[str]) -> list[str]:
    """Makes each `key=value` set the key whether or not a YAML file mentions it.

    Choices of a group (`env=memory_chain`), Hydra's own keys and everything that is
    not a plain assignment stay as they are.
    """
    prepared = []
    for argument in argv:
        match = _KEY_VALUE.match(argument)
        plain = match and match[1] not in GROUPS and not match[1].startswith("hydra")
        prepared.append(f"++{argument}" if plain else argument)
    return prepared


def composed(config_name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Composes a configuration as Hydra would.

    Raises:
      InputError: a sentence in place of Hydra's report.
    """
    for section in EXAMPLES:
        if wants(overrides, f"~{section}"):  # Hydra would miss it in another's name
            raise not_chosen(section, None)
    with initialize_config_dir(str(CONFIGS.resolve()), version_base="1.3"):
        try:
            config = compose(config_name, overrides=prepare(overrides))
            return OmegaConf.to_container(config, resolve=True)  # type: ignore
        except MissingConfigException as error:
            raise InputError(_missing(error, overrides)) from error
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(str(error)) from error
        except ValueError as error:  # Hydra's own, for a group that is null
            raise InputError(f"{' '.join(overrides)}: {error}") from error


def _missing(error: MissingConfigException, overrides: Sequence[str]) -> str:
    wanted = str(error.missing_cfg_file)
    group, _, name = wanted.partition("/")
    known = sorted(error.options or ())
    if group == "env":
        known = list(envs.names())
    guess = nearest(name, known)
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    return f"unknown {group} {name!r}{guess}? Known: {listed}."


def assignments(argv: Sequence[str]) -> dict[str, Any]:
    """Plain `key=value` arguments as (nested) data, without composing anything.

    Raises:
      InputError: for anything that is not `key=value`.
    """
    for argument in argv:
        if not _KEY_VALUE.match(argument):
            raise InputError(f"arguments must be key=value; got {argument!r}.")
    try:
        return OmegaConf.to_container(OmegaConf.from_dotlist(list(argv)))  # type: ignore
    except (OmegaConfBaseException, YAMLError) as error:
        raise InputError(f"{' '.join(argv)} cannot be read: {error}") from error


def need_wandb(mode: str) -> None:
    """Checks that W&B is there when it is asked for.

    Raises:
      InputError: saying what to install.
    """
    if mode != "off" and importlib.util.find_spec("wandb") is None:
        raise InputError(
            f"wandb={mode} needs the package wandb, which is not installed; install it "
            'with pip install -e ".[wandb]", or leave wandb=off.'
        )


def wants(argv: Sequence[str], *flags: str) -> bool:
    """Whether any of Hydra's own flags was given."""
    return any(argument.split("=")[0] in flags for argument in argv)
