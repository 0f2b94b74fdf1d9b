"""From a command line to a composed configuration; errors are one sentence, status 2.

Hydra composes what is chosen by name (`env=`, `core=`, `agent=`, `memory=`, `scale=`)
from the files under configs/. Every other `key=value` is then set, whether or not a
file mentions the key, because the dataclasses and not the files say which keys exist.
"""

import copy
import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

import agents
import envs
from envs.config import OpenConfig
from envs.fields import shown
from envs.naming import nearest
from envs.table import HOSTED
from experiment.errors import InputError
from experiment.setup import arguments, distributed, keys, presets, scale
from experiment.setup.config import Schedule
from experiment.setup.devices import MeshConfig
from experiment.setup.sections import (
    EXAMPLES,
    MEMORY,
    MESH,
    not_chosen,
    section_classes,
)
from experiment.setup.settings import HALVE_AT, SAMPLES, SWEEP, sweepable
from s5rl.config import CORE_CONFIGS

CONFIGS = Path(__file__).parents[2] / "configs"
GROUPS = (*EXAMPLES, MEMORY, scale.SCALE)  # what is chosen by name

FEATURES = 64  # of a core that no file says more of


@functools.cache
def register() -> None:
    """Makes every environment and core a choice, and sums available in YAML.

    What has a file under configs/env or configs/core is chosen from there.
    """
    OmegaConf.register_new_resolver("add", _add, replace=True)
    store = ConfigStore.instance()
    for name in envs.names():
        if (CONFIGS / "env" / f"{name}.yaml").exists():
            continue
        _store(name)
    for name in CORE_CONFIGS:
        if not (CONFIGS / "core" / f"{name}.yaml").exists():
            node = {"name": name, "features": FEATURES}
            store.store(name=name, group="core", package="core", node=node)


def _store(name: str) -> None:
    """Makes an environment a choice."""
    folder, _, leaf = name.rpartition("/")
    group = f"env/{folder}" if folder else "env"
    ConfigStore.instance().store(
        name=leaf, group=group, package="env", node={"name": name}
    )


def _add(*terms: Any) -> Any:
    # What is not a number is left for the check of the key it stands in, which can say
    # more about it than a failed sum could.
    return sum(terms) if all(isinstance(t, int | float) for t in terms) else None


def composed(config_name: str, overrides: Sequence[str]) -> dict[str, Any]:
    """Composes a configuration from choices by name and `key=value`.

    Raises:
      InputError: for what is no `key=value`, cannot be read, or is no choice.
    """
    register()
    for section in EXAMPLES:
        if wants(overrides, f"~{section}"):
            raise not_chosen(section, None)
    given = arguments.pairs(overrides, train_keys())
    chosen = {key: text for key, text in given if key in GROUPS}
    for group, name in chosen.items():
        _check_choice(group, name)
    if config_name == "train":
        chosen |= presets.of(CONFIGS, {**EXAMPLES, **chosen})
    env = presets.environment(CONFIGS, chosen.get("env", EXAMPLES["env"]))
    own = scale.preset(CONFIGS, env, chosen.get(scale.SCALE, ""))
    if own is not None:
        chosen[scale.PRESETS] = own
    tree = copy.deepcopy(_composed(config_name, tuple(sorted(chosen.items()))))
    text = _text_keys(tree)
    for key, written in given:
        if key not in GROUPS:
            value = arguments.read(key, written, as_text=key in text)
            arguments.put(tree, key, value)
    try:
        return OmegaConf.to_container(OmegaConf.create(tree), resolve=True)  # type: ignore
    except OmegaConfBaseException as error:
        raise InputError(f"{' '.join(overrides)}: {error}") from error


@functools.lru_cache(maxsize=64)
def _composed(config_name: str, chosen: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """What the files say for these choices, references among them not looked up."""
    overrides = [f"{group}={name}" for group, name in chosen]
    try:
        with initialize_config_dir(str(CONFIGS.resolve()), version_base="1.3"):
            return OmegaConf.to_container(compose(config_name, overrides))  # type: ignore
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        raise InputError(f"configs/ cannot be read: {error}") from error


def choices(group: str) -> list[str]:
    """The names that a group knows: those of the code, and files under configs/."""
    files = (CONFIGS / group).rglob("*.yaml")
    named = [path.relative_to(CONFIGS / group).with_suffix("") for path in files]
    known = {"env": envs.names(), "core": CORE_CONFIGS, "agent": agents.CONFIGS}
    found = [*known.get(group, ()), *sorted(path.as_posix() for path in named)]
    return list(dict.fromkeys(found))


def _check_choice(group: str, name: str) -> None:
    known = choices(group)
    if name in known:
        return
    if group == "env" and name.startswith(HOSTED):
        _store(name)  # of whatever Gymnasium knows; to ask it takes an import
        return
    if not name.strip("\"'") or name.startswith(("[", "{")) or name == "null":
        raise not_chosen(group, name)
    guess = nearest(name, known)
    suite, slash, _ = name.partition("/")
    known = [n for n in known if slash and n.startswith(f"{suite}/")] or known
    listed = ", ".join(known[:8]) + (", ..." if len(known) > 8 else "")
    more = " `python -m envs` lists all." if group == "env" else ""
    raise InputError(f"unknown {group} {shown(name)}{guess} Known: {listed}.{more}")


def _text_keys(tree: dict[str, Any]) -> set[str]:
    """Keys whose values are text, of the environment, core and agent chosen."""
    found = keys.are_text(Schedule)
    if all(isinstance(tree.get(section), dict) for section in EXAMPLES):
        for section, cls in section_classes(tree).items():
            if not issubclass(cls, OpenConfig):
                found |= {f"{section}.{name}" for name in keys.are_text(cls)}
    return found


def train_keys() -> list[str]:
    """Every key of train.py, whatever is chosen."""
    every = [*GROUPS, "resume", "setting", *keys.of(Schedule), keys.CACHE]
    every += distributed.KEYS
    every += ["env.history", "core.features", *keys.of(MeshConfig, MESH)]
    for section, table in (("core", CORE_CONFIGS), ("agent", agents.CONFIGS)):
        for cls in table.values():
            every += keys.of(cls, section)
            every += [f"{SWEEP}.{key}" for key in sweepable({section: cls})]
    every += [f"{SWEEP}.{SAMPLES}", f"{SWEEP}.{HALVE_AT}"]
    for name in envs.names():
        cls = envs.spec(name).config
        every += () if issubclass(cls, OpenConfig) else keys.of(cls, "env")
    return list(dict.fromkeys(every))


def assignments(argv: Sequence[str], known: Sequence[str] = ()) -> dict[str, Any]:
    """`key=value` arguments as (nested) data, without composing anything.

    Raises:
      InputError: for anything that is not `key=value`, or cannot be read.
    """
    return arguments.nested(argv, known or train_keys())


def options(argv: Sequence[str], known: Sequence[str]) -> dict[str, Any]:
    """`assignments` of a command that has these keys and no others.

    Raises:
      InputError: as that does, or for another key.
    """
    found = assignments(argv, known)
    for key in found:
        if key not in known:
            raise InputError(keys.unknown(key, known))
    return found


def taken(argv: Sequence[str], key: str) -> tuple[list[str], Any]:
    """Arguments without a key that stands beside them, and its last value or None.

    Raises:
      InputError: if the value cannot be read.
    """
    rest, value = [], None
    for argument in argv:
        if argument.lstrip("+").startswith(f"{key}="):
            _, text = arguments.pairs([argument], [key])[0]
            value = arguments.read(key, text)
        else:
            rest.append(argument)
    return rest, value


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
    """Whether any of these flags was given."""
    return any(argument.split("=")[0] in flags for argument in argv)
