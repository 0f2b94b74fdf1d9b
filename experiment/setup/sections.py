"""Sections of a configuration: what is chosen by name, and told what. Free of JAX.

Each is the frozen dataclass of the part that reads it; here values by key become one,
typed and checked.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import agents
import envs
from envs import fields, titles, values
from envs.config import OpenConfig
from envs.naming import nearest
from experiment.errors import InputError
from experiment.setup import keys
from experiment.setup.scale import SCALE
from s5rl.config import CORE_CONFIGS

EXAMPLES = {"env": "memory_chain", "core": "s5", "agent": "ppo"}  # of what is chosen
MESH = "mesh"  # a section that has a default
MEMORY = "memory"  # likewise chosen by name, but no section


@dataclass(frozen=True)
class EnvChoice:
    """Which environment, told what."""

    name: str
    history: bool
    params: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What it is called where people read."""
        return titles.title(self.name, self.params)


@dataclass(frozen=True)
class CoreChoice:
    """Which memory, how wide, told what."""

    name: str
    features: int
    options: Any  # the core's configuration dataclass


@dataclass(frozen=True)
class AgentChoice:
    """Which algorithm, told what."""

    name: str
    options: Any  # the agent's configuration dataclass


def unsaid(cls: type) -> dict[str, Any]:
    """What keys stood for before they existed, where that is not their default."""
    return {
        field.name: field.metadata["unsaid"]
        for field in dataclasses.fields(cls)
        if "unsaid" in field.metadata
    }


def section_classes(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, type]:
    """The configuration classes of what env, core and agent are named.

    Raises:
      InputError: for an unknown name.
    """
    name = sections["env"].get("name")
    try:
        env = envs.spec(name if isinstance(name, str) else repr(name)).config
    except ValueError as error:
        raise InputError(str(error)) from error
    core = _known("core", sections["core"].get("name"), CORE_CONFIGS)
    agent = _known("agent", sections["agent"].get("name"), agents.CONFIGS)
    return {"env": env, "core": core, "agent": agent}


def keys_of(section: str, cls: type) -> tuple[str, ...]:
    """Every key of a section whose choice has this configuration class."""
    beside = {"env": ("env.history",), "core": ("core.features",)}.get(section, ())
    return (*beside, *(() if issubclass(cls, OpenConfig) else keys.of(cls, section)))


def override_env(choice: EnvChoice, given: Any) -> EnvChoice:
    """The same environment, told otherwise.

    A parameter that was derived from others may no longer fit them; name it as well.

    Raises:
      InputError: as `load` does, or if another environment is named.
    """
    if not isinstance(given, Mapping) or given.get("name", choice.name) != choice.name:
        raise InputError(
            f"a run's learners are evaluated on its own environment ({choice.name}), "
            f"with env.<parameter>=; got env={given!r}."
        )
    section = {"name": choice.name, "history": choice.history, **choice.params, **given}
    return load_env(section)


def not_chosen(section: str, got: Any) -> InputError:
    """What to say where "env", "core", "agent", "memory" or "scale" is no choice."""
    examples = {**EXAMPLES, MEMORY: "never_reset", SCALE: "gpu"}
    example = examples[section]
    return InputError(
        f"{section} must be chosen by name, as in {section}={example}; "
        f"got {fields.shown(got)}."
    )


def load_env(section: Mapping[str, Any], known: Iterable[str] = ()) -> EnvChoice:
    """See `experiment.setup.config.load`; `known` are keys that may have been meant."""
    params = dict(section)
    name, history = params.pop("name", None), params.pop("history", False)
    if not isinstance(history, bool):
        raise InputError(f"env.history must be true or false; got {history!r}.")
    cls = envs.spec(str(name)).config
    if issubclass(cls, OpenConfig):
        envs.check_config(str(name), params)
    else:
        config = typed(cls, params, "env", also=("history",), elsewhere=known)
        params = dataclasses.asdict(config)
    return EnvChoice(str(name), history, params)


def load_core(section: Mapping[str, Any], known: Iterable[str]) -> CoreChoice:
    """Likewise."""
    options = dict(section)
    name, features = str(options.pop("name")), options.pop("features", None)
    if isinstance(features, float) and features.is_integer():
        features = int(features)
    if not isinstance(features, int) or isinstance(features, bool) or features < 1:
        raise InputError(
            f"core.features must be a positive integer; got {fields.shown(features)}."
        )
    values.check_number("core.features", features)
    values.check_size("core.features", features)
    cls = CORE_CONFIGS[name]
    config = typed(cls, options, "core", also=("features",), elsewhere=known)
    return CoreChoice(name, features, config)


def load_agent(section: Mapping[str, Any], known: Iterable[str]) -> AgentChoice:
    """Likewise."""
    options = dict(section)
    name = str(options.pop("name"))
    config = typed(agents.CONFIGS[name], options, "agent", elsewhere=known)
    return AgentChoice(name, config)


def _known(kind: str, name: Any, known: Mapping[str, type]) -> type:
    if not isinstance(name, str) or name not in known:
        guess = nearest(str(name), known)
        raise InputError(f"unknown {kind} {name!r}{guess} Known: {', '.join(known)}.")
    return known[name]


def typed(
    cls: type,
    given: Mapping[str, Any],
    where: str = "",
    also: tuple[str, ...] = (),
    elsewhere: Iterable[str] = (),
) -> Any:
    """Builds a configuration dataclass, converting and checking every value.

    Args:
      cls: a frozen dataclass that checks itself.
      given: values by field name.
      where: the section's name, for messages.
      also: further keys that stand beside the fields, for messages.
      elsewhere: keys of other sections, with these, one of which may be meant.

    Raises:
      InputError: for an unknown key (with the one that was meant), a value of the wrong
        type or one that the device cannot hold, or one that the dataclass refuses.
    """
    prefix = f"{where}." if where else ""
    own = [*keys.of(cls, where), *(f"{prefix}{key}" for key in also)]
    for key, value in given.items():
        if f"{prefix}{key}" not in own or key in also:
            whole = f"{prefix}{key}"
            if isinstance(value, Mapping) and value and key not in also:
                whole = f"{whole}.{next(iter(value))}"  # of a section that is none
            raise InputError(keys.unknown(whole, own, elsewhere))
    try:
        found = fields.converted(cls, given, prefix)
    except ValueError as error:
        raise InputError(str(error)) from error
    try:
        return cls(**found)
    except ValueError as error:
        raise InputError(f"{prefix}{error}") from error
