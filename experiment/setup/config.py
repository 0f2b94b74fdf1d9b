"""A run's configuration: what Hydra composed, typed and checked. Free of JAX.

Each section is the frozen dataclass of the part that reads it. `load` and `dump` are
inverse, so that a run folder's config.yaml describes the run completely.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from envs import fields, values
from experiment.errors import InputError
from experiment.setup import devices, every, keys, settings
from experiment.setup.devices import ALL, MeshConfig
from experiment.setup.every import Every
from experiment.setup.scale import SCALE
from experiment.setup.sections import (
    EXAMPLES,
    MEMORY,
    MESH,
    AgentChoice,
    CoreChoice,
    EnvChoice,
    keys_of,
    load_agent,
    load_core,
    load_env,
    not_chosen,
    section_classes,
    typed,
    unsaid,
)
from experiment.setup.settings import SWEEP, Sweep

ANCHOR = "anchor_weight"  # of an agent that can be held near what it began from

# Who else is told of a run, which changes no number of it.
WANDB = ("wandb", "wandb_group", "wandb_per_seed", "wandb_artifact")


@dataclass(frozen=True)
class Schedule:
    """How long, how often, how many, where."""

    # environment steps of each seed
    total_steps: int = field(default=1_000_000, metadata={"most": 2**53})
    seed: int = field(default=0, metadata={"most": 2**32 - 1})  # of all that is drawn
    num_seeds: int = 1  # independent learners, trained side by side
    # per row of metrics.csv: updates; or a time (10s), made updates at the run's start
    log_every: Every = 1
    # updates, or wall clock (30s, 5m); rounded up to log points
    checkpoint_every: Every = "60s"
    # of matrix products, as jax.default_matmul_precision has it: an NVIDIA GPU rounds
    # what goes in to TF32 unless it is highest, a CPU never does; null: the device's
    precision: str | None = fields.optional("default", "high", "highest")
    devices: int | str = ALL  # how many train: all that there are, or a number
    wandb: str = fields.choice("off", "offline", "online")  # logs there as well
    wandb_group: str | None = None  # of W&B's runs
    wandb_per_seed: bool = False  # a run of W&B's for each learner, in one group
    wandb_artifact: bool = False  # the folder of a complete run goes there too
    run_dir: str | None = None  # the run's folder; runs/<env>-<core>-<agent>-<time>
    init: str | None = None  # a run whose parameters this one begins from

    def __post_init__(self):
        for name in ("total_steps", "num_seeds", "log_every", "checkpoint_every"):
            every.check(name, getattr(self, name))
        values.check_size("num_seeds", self.num_seeds)
        if self.devices != ALL and not (
            isinstance(self.devices, int) and self.devices > 0
        ):
            raise ValueError(
                f"devices must be {ALL}, or at least 1; got {self.devices!r}."
            )
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"seed must lie in [0, 2**32); got {self.seed}.")
        fields.check_choices(self)
        for name, value in (("run_dir", self.run_dir), ("init", self.init)):
            if value is not None and not value.strip():
                raise ValueError(f"{name} must name a folder; it is empty.")


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides a run."""

    schedule: Schedule
    env: EnvChoice
    core: CoreChoice
    agent: AgentChoice
    mesh: MeshConfig = field(default_factory=MeshConfig)
    sweep: Sweep = field(default_factory=Sweep)

    def __post_init__(self):
        if self.num_updates < 1:
            options = self.agent.options
            raise ValueError(
                f"total_steps ({self.schedule.total_steps}) is less than one update: "
                f"num_envs ({options.num_envs}) x rollout_length "
                f"({options.rollout_length}) = {options.steps_per_update} steps."
            )
        values.check_number("the number of updates", self.num_updates)
        self.agent.options.check_updates(self.num_updates)
        devices.check(self.mesh, **self.sizes)
        if self.schedule.init is None and getattr(self.agent.options, ANCHOR, 0):
            raise ValueError(
                f"agent.{ANCHOR} holds a policy near the one that it began from: say "
                "which with init=RUN_DIR."
            )

    @property
    def num_updates(self) -> int:
        """Updates that fit in `total_steps`."""
        return self.schedule.total_steps // self.agent.options.steps_per_update

    @property
    def num_learners(self) -> int:
        """S, those that train side by side: `num_seeds` of each setting."""
        return self.schedule.num_seeds * max(len(self.sweep.settings), 1)

    def alone(self, setting: int) -> "RunConfig":
        """That of a run of one of its settings; of a run without, its own."""
        if not self.sweep:
            return self
        told = settings.by_section(self.sweep.settings[setting])
        changed = {
            section: dataclasses.replace(
                choice := getattr(self, section),
                options=dataclasses.replace(choice.options, **values),
            )
            for section, values in told.items()
        }
        return dataclasses.replace(self, **changed, sweep=Sweep())

    @property
    def sizes(self) -> dict[str, int]:
        """What can be spread over devices, and what cuts it."""
        options = self.agent.options
        return {
            "num_seeds": self.num_learners,
            "num_envs": options.num_envs,
            "num_minibatches": options.num_minibatches,
        }


def load(composed: Mapping[str, Any], *, stored: bool = False) -> RunConfig:
    """Types and checks a composed configuration.

    Args:
      composed: by section.
      stored: it was written with a run, maybe before some keys existed: they have the
        value that they stood for then ("unsaid" in a field's metadata).

    Raises:
      InputError: a sentence that names the key, what was wanted and what came.
    """
    rest = dict(composed)
    sections, mesh, sweep = {}, rest.pop(MESH, {}), rest.pop(SWEEP, None)
    for section in EXAMPLES:
        sections[section] = rest.pop(section, None)
        if not isinstance(sections[section], Mapping):
            raise not_chosen(section, sections[section])
    classes = section_classes(sections)
    if not isinstance(mesh, Mapping):
        raise InputError(
            f"{MESH} is set by part, as in {MESH}.envs=2; got {MESH}="
            f"{fields.shown(mesh)}."
        )
    if stored:
        mesh = unsaid(MeshConfig) | dict(mesh)
        for section, cls in classes.items():
            sections[section] = unsaid(cls) | dict(sections[section])
    known = [
        *keys.of(Schedule),
        *keys.of(MeshConfig, MESH),
        *(*EXAMPLES, MEMORY, SCALE),
        *(key for name, cls in classes.items() for key in keys_of(name, cls)),
    ]
    chosen = (*EXAMPLES, MEMORY, SCALE)
    schedule = typed(Schedule, rest, also=chosen, elsewhere=known)
    try:
        config = RunConfig(
            schedule=schedule,
            env=load_env(sections["env"], known),
            core=load_core(sections["core"], known),
            agent=load_agent(sections["agent"], known),
            mesh=typed(MeshConfig, mesh, MESH, elsewhere=known),
        )
        if sweep is None:
            return config

        def alone(setting: Mapping[str, Any]) -> settings.Setting:
            told = _told(composed, setting)
            return _numbers(load(told, stored=stored), setting)

        found = settings.read(sweep, classes, config.schedule.seed, alone)
        return dataclasses.replace(config, sweep=found)
    except ValueError as error:
        raise InputError(str(error)) from error


def _told(composed: Mapping[str, Any], setting: Mapping[str, Any]) -> dict[str, Any]:
    """A composed configuration with the values of one setting, and no others."""
    found = {key: part for key, part in composed.items() if key != SWEEP}
    for section, own in settings.by_section(setting).items():
        found[section] = {**found[section], **own}
    return found


def _numbers(config: RunConfig, named: Iterable[str]) -> dict[str, float]:
    """What a configuration has under these keys."""
    found = {}
    for key in named:
        section, _, name = key.partition(".")
        found[key] = float(getattr(getattr(config, section).options, name))
    return found


def dump(config: RunConfig) -> dict[str, Any]:
    """The configuration as plain data; `load` gives it back."""
    schedule = dataclasses.asdict(config.schedule)
    core = dataclasses.asdict(config.core.options)
    agent = dataclasses.asdict(config.agent.options)
    plain = {
        **schedule,
        MESH: dataclasses.asdict(config.mesh),
        "env": {
            "name": config.env.name,
            "history": config.env.history,
            **config.env.params,
        },
        "core": {"name": config.core.name, "features": config.core.features, **core},
        "agent": {"name": config.agent.name, **agent},
    }
    if config.sweep:
        plain[SWEEP] = dataclasses.asdict(config.sweep)
    return _as_data(plain)


def _as_data(value: Any) -> Any:
    """Mappings and lists as YAML has them."""
    if isinstance(value, Mapping):
        return {str(key): _as_data(part) for key, part in value.items()}
    return [_as_data(part) for part in value] if isinstance(value, tuple | list) else (
        value
    )  # fmt: skip
