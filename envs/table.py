"""The table of environments, a row each. Free of JAX, for command lines read it."""

from dataclasses import dataclass

from envs import experts
from envs.config import (
    ControlConfig,
    CustomConfig,
    GymnasiumConfig,
    GymnaxConfig,
    MemoryChainConfig,
    PopgymConfig,
    SuiteConfig,
    TMazeConfig,
)
from envs.control.table import TABLE as _CONTROL
from envs.gymnax_table import TABLE as _GYMNAX
from envs.meta.config import TABLE as _META
from envs.meta.config import ProjectedControlConfig
from envs.naming import unknown
from envs.popgym.table import ALIASES as _ALIASES
from envs.popgym.table import TABLE as _POPGYM
from envs.suites.table import SUITES


@dataclass(frozen=True)
class EnvSpec:
    """What is known of an environment before it is built."""

    name: str
    measures: str  # in a line
    factory: str  # "module:function", called with the configuration
    config: type  # frozen dataclass that checks itself
    levels: str | None = None  # "module:function", config -> Levels; needs no JAX
    splits: tuple[str, ...] = ()  # of a meta-environment's tasks, "train" first
    bodies: str | None = None  # "module:function", config -> [(name, params)]
    references: str | None = None  # "module:function", see `references`

    @property
    def is_alias(self) -> bool:
        """Whether another name says the same."""
        return self.name in _ALIASES

    @property
    def expert(self) -> experts.Expert:
        """What its expert does, or why it has none."""
        suite, slash, _ = self.name.partition("/")
        name = _ALIASES.get(self.name, self.name)
        if name in _POPGYM:
            name = name.rpartition("_")[0]
        return experts.TABLE[suite + slash if slash else name]


HOSTED = "gymnasium/"  # how names begin of which any may exist


def _has_bodies(config: type) -> bool:
    return issubclass(config, ProjectedControlConfig)


SPECS = {
    "memory_chain": EnvSpec(
        name="memory_chain",
        measures="recall of one bit shown memory_length steps ago",
        factory="envs.memory_chain:make",
        config=MemoryChainConfig,
        levels="envs.config:memory_chain_levels",
    ),
    "t_maze": EnvSpec(
        name="t_maze",
        measures="recall of a cue after a corridor whose length is not known",
        factory="envs.t_maze:make",
        config=TMazeConfig,
        levels="envs.config:t_maze_levels",
    ),
    **{
        f"gymnax/{name}": EnvSpec(
            name=f"gymnax/{name}",
            measures=entry.measures,
            factory="envs.gymnax_suite:make",
            config=GymnaxConfig,
            levels="envs.gymnax_table:levels",
        )
        for name, entry in _GYMNAX.items()
    },
    **{
        name: EnvSpec(
            name=name,
            measures=entry.measures,
            factory="envs.popgym:make_from",
            config=PopgymConfig,
            levels="envs.popgym.levels:levels",
        )
        for name, entry in _POPGYM.items()
    },
    **{
        name: EnvSpec(
            name=name,
            measures=measures,
            factory=f"envs.meta.ready:make_{name}",
            config=config,
            levels=None if _has_bodies(config) else "envs.meta.levels:levels",
            splits=config.SPLITS,
            bodies="envs.meta.ready:bodies" if _has_bodies(config) else None,
            references="envs.meta.ready:references",
        )
        for name, (config, measures) in _META.items()
    },
    **{
        f"control/{name}": EnvSpec(
            name=f"control/{name}",
            measures=entry.measures,
            factory="envs.control:make",
            config=ControlConfig,
            levels="envs.control.levels:levels",
        )
        for name, entry in _CONTROL.items()
    },
    **{
        f"{suite}/{name}": EnvSpec(
            name=f"{suite}/{name}",
            measures=measures,
            factory=f"envs.suites.{suite}:make",
            config=SuiteConfig,
        )
        for suite, entry in SUITES.items()
        for name, measures in entry.environments.items()
    },
    "custom": EnvSpec(
        name="custom",
        measures="an environment of your own: env.entry_point=my_module:MyEnv",
        factory="envs.custom:make",
        config=CustomConfig,
    ),
}


def names() -> tuple[str, ...]:
    """Every name that `make` knows, but for `gymnasium/<id>`: there, any may exist."""
    return tuple(SPECS)


def spec(name: str) -> EnvSpec:
    """Looks an environment up.

    Raises:
      ValueError: naming the nearest known environment.
    """
    if name.startswith(HOSTED):
        return EnvSpec(
            name=name,
            measures="an environment of Gymnasium, stepped on the host",
            factory="envs.outside.theirs:make",
            config=GymnasiumConfig,
        )
    if name not in SPECS:
        said = unknown("unknown environment", name, names())
        raise ValueError(f"{said} `python -m envs` lists all.")
    return SPECS[name]
