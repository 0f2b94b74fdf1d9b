"""A run's configuration: what Hydra composed, typed and checked. Free of JAX.

Each section is the frozen dataclass of the part that reads it. `load` and `dump` are
inverse, so that a run folder's config.yaml describes the run completely.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

import agents
import envs
from envs.config import OpenConfig
from envs.naming import nearest
from experiment.errors import InputError
from s5rl.config import CORE_CONFIGS

EXAMPLES = {"env": "memory_chain", "core": "s5", "agent": "ppo"}  # of what is chosen


@dataclass(frozen=True)
class EnvChoice:
    """Which environment, told what."""

    name: str
    history: bool
    params: Mapping[str, Any]


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


@dataclass(frozen=True)
class Schedule:
    """How long, how often, how many, where."""

    total_steps: int = 1_000_000  # environment steps of each seed
    seed: int = 0
    num_seeds: int = 1  # independent learners, trained side by side
    log_every: int = 1  # updates per row of metrics.csv
    checkpoint_every: int = 50  # updates, rounded up to log points
    wandb: str = "off"  # or "offline", "online"
    run_dir: str | None = None  # None: runs/<env>-<core>-<agent>-<time>

    def __post_init__(self):
        for name in ("total_steps", "num_seeds", "log_every", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 1; got {getattr(self, name)}."
                )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must lie in [0, 2**32); got {self.seed}.")
        if self.wandb not in ("off", "offline", "online"):
            raise ValueError(
                f"wandb must be one of off, offline, online; got {self.wandb!r}."
            )


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run."""

    schedule: Schedule
    env: EnvChoice
    core: CoreChoice
    agent: AgentChoice

    def __post_init__(self):
        if self.num_updates < 1:
            options = self.agent.options
            raise ValueError(
                f"total_steps ({self.schedule.total_steps}) is less than one update: "
                f"num_envs ({options.num_envs}) x rollout_length "
                f"({options.rollout_length}) = {options.steps_per_update} steps."
            )

    @property
    def num_updates(self) -> int:
        """Updates that fit in `total_steps`."""
        return self.schedule.total_steps // self.agent.options.steps_per_update


def load(composed: Mapping[str, Any]) -> RunConfig:
    """Types and checks a composed configuration.

    Raises:
      InputError: a sentence that names the key, what was wanted and what came.
    """
    rest = dict(composed)
    sections = {}
    for section in EXAMPLES:
        sections[section] = rest.pop(section, None)
        if not isinstance(sections[section], Mapping):
            raise not_chosen(section, sections[section])
    schedule = typed(Schedule, rest, also=tuple(sections))
    try:
        return RunConfig(
            schedule=schedule,
            env=_load_env(sections["env"]),
            core=_load_core(sections["core"]),
            agent=_load_agent(sections["agent"]),
        )
    except ValueError as error:
        raise InputError(str(error)) from error


def dump(config: RunConfig) -> dict[str, Any]:
    """The configuration as plain data; `load` gives it back."""
    schedule = dataclasses.asdict(config.schedule)
    core = dataclasses.asdict(config.core.options)
    agent = dataclasses.asdict(config.agent.options)
    plain = {
        **schedule,
        "env": {
            "name": config.env.name,
            "history": config.env.history,
            **config.env.params,
        },
        "core": {"name": config.core.name, "features": config.core.features, **core},
        "agent": {"name": config.agent.name, **agent},
    }
    return OmegaConf.to_container(OmegaConf.create(plain))  # type: ignore[return-value]


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
    return _load_env(section)


def not_chosen(section: str, got: Any) -> InputError:
    """What to say where "env", "core" or "agent" is no choice."""
    return InputError(
        f"{section} must be chosen by name, as in {section}={EXAMPLES[section]}; "
        f"got {got!r}."
    )


def _load_env(section: Mapping[str, Any]) -> EnvChoice:
    params = dict(section)
    name, history = params.pop("name", None), params.pop("history", False)
    if not isinstance(history, bool):
        raise InputError(f"env.history must be true or false; got {history!r}.")
    cls = envs.spec(str(name)).config
    if issubclass(cls, OpenConfig):
        envs.check_config(str(name), params)
    else:
        config = typed(cls, params, "env", also=("history",))
        params = dataclasses.asdict(config)
    return EnvChoice(str(name), history, params)


def _load_core(section: Mapping[str, Any]) -> CoreChoice:
    options = dict(section)
    name, features = options.pop("name", None), options.pop("features", None)
    _known("core", name, CORE_CONFIGS)
    if not isinstance(features, int) or isinstance(features, bool) or features < 1:
        raise InputError(f"core.features must be a positive integer; got {features!r}.")
    config = typed(CORE_CONFIGS[str(name)], options, "core", also=("features",))
    return CoreChoice(str(name), features, config)


def _load_agent(section: Mapping[str, Any]) -> AgentChoice:
    options = dict(section)
    name = options.pop("name", None)
    _known("agent", name, agents.CONFIGS)
    return AgentChoice(str(name), typed(agents.CONFIGS[str(name)], options, "agent"))


def _known(kind: str, name: Any, known: Mapping[str, Any]) -> None:
    if name not in known:
        guess = nearest(str(name), known)
        raise InputError(f"unknown {kind} {name!r}{guess}? Known: {', '.join(known)}.")


def typed(
    cls: type, given: Mapping[str, Any], where: str = "", also: tuple[str, ...] = ()
) -> Any:
    """Builds a configuration dataclass, converting and checking every value.

    Args:
      cls: a frozen dataclass that checks itself.
      given: values by field name.
      where: the section's name, for messages.
      also: further keys that stand beside the fields, for messages.

    Raises:
      InputError: for an unknown key (with the nearest known one), a value of the wrong
        type, or one that the dataclass refuses.
    """
    fields = {field.name: field for field in dataclasses.fields(cls)}
    prefix = f"{where}." if where else ""
    given = dict(given)
    for key, value in given.items():
        if key not in fields:
            known = (*fields, *also)
            raise InputError(
                f"unknown key {prefix}{key}{nearest(key, known)}? "
                f"Known: {', '.join(known)}."
            )
        if isinstance(value, float) and fields[key].type in (int, "int"):
            if value.is_integer():  # 2e6 is how one writes steps; inf is not
                given[key] = int(value)
    for key, value in given.items():
        try:
            OmegaConf.merge(OmegaConf.structured(cls), {key: value})
        except OmegaConfBaseException as error:
            wanted = getattr(fields[key].type, "__name__", str(fields[key].type))
            raise InputError(
                f"{prefix}{key} must be {wanted}; got {value!r}."
            ) from error
    merged = OmegaConf.merge(OmegaConf.structured(cls), given)
    values = {str(key): _plain(value) for key, value in merged.items()}
    try:
        return cls(**values)
    except ValueError as error:
        raise InputError(f"{prefix}{error}") from error


def _plain(value: Any) -> Any:
    return tuple(value) if OmegaConf.is_list(value) else value
