"""The table of environments. Free of JAX, so that a command line can read it."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from envs import experts, fields, values
from envs.config import (
    ControlConfig,
    CustomConfig,
    GymnasiumConfig,
    GymnaxConfig,
    MemoryChainConfig,
    OpenConfig,
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
from envs.scale import Levels
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


_SPECS = {
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
    return tuple(_SPECS)


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
    if name not in _SPECS:
        said = unknown("unknown environment", name, names())
        raise ValueError(f"{said} `python -m envs` lists all.")
    return _SPECS[name]


def check_config(name: str, params: Mapping[str, Any]) -> Any:
    """Builds an environment's configuration, and so checks it, without importing JAX.

    Raises:
      ValueError: for an unknown name or parameter, or a value that cannot work.
    """
    config = spec(name).config
    if issubclass(config, OpenConfig):
        return config(name, dict(params))
    known = [field.name for field in dataclasses.fields(config)]
    for key in params:
        if key not in known:
            raise ValueError(
                unknown(f"environment {name!r} has no parameter", key, known)
            )
    return config(**fields.converted(config, params))


def levels(name: str, params: Mapping[str, Any] | None = None) -> Levels:
    """What random actions and the best play earn in an episode, without importing JAX.

    Args:
      name: of an environment.
      params: that it is made with.

    Returns:
      `(chance, best)`, None for what is not known with these parameters.

    Raises:
      ValueError: for an unknown name or parameter, or a value that cannot work.
    """
    found = spec(name)
    if found.levels is None:
        return Levels()
    config = check_config(name, params or {})
    try:
        return _function(found.levels)(config)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return Levels()  # of values with which it cannot be built


def expert(
    name: str,
    params: Mapping[str, Any] | None = None,
    policies: Sequence[Any] | None = None,
) -> Any:
    """Play that knows the hidden task; see `envs.contract.expert`.

    Args:
      name: of an environment; `spec(name).expert` says what its expert does.
      params: that it is made with.
      policies: `observation -> action` of each of `bodies`, where there are such, in
        their order: agents that were trained on each alone. See `envs.meta.lens`.

    Returns:
      `(state, env_params) -> action` for one state, to be jitted and vmapped; None
      where there is no expert. `envs.contract.expert.expert(env)` is the same for an
      environment that was made already, in any wrapper.

    Raises:
      ValueError: for an unknown name or parameter, or a value that cannot work; for
        policies where there are no bodies, or too few or many.
    """
    env = build(name, **(params or {}))[0]
    if policies is None:
        return _function("envs.contract.expert:expert")(env)
    return _function("envs.meta.lens:expert")(env, policies)


def check(env: Any, params: Any) -> None:
    """Checks an environment against the gymnax 1.x contract by tracing it.

    Raises:
      ValueError: naming what is missing or different.
    """
    from envs.contract import check as contract

    contract.check(env, params)


def build(name: str, **params: Any) -> tuple[Any, Any]:
    """`make` without the check, which traces; for looking at spaces only."""
    config, found = check_config(name, params), spec(name)
    factory = _function(found.factory)
    if found.bodies is None:
        return factory(config)
    listed = _function(found.bodies)(config)
    return factory(config, [make(body, **limit) for body, limit in listed])


def _function(where: str) -> Any:
    """What "module:function" names."""
    module, _, name = where.partition(":")
    return getattr(import_module(module), name)


def make(name: str, *, history: bool = False, **params: Any) -> tuple[Any, Any]:
    """Builds an environment.

    Args:
      name: one of `names()`.
      history: append previous action, previous reward and a start flag to each
        observation (`envs.contract.wrappers.History`).
      **params: what the environment can be told; see its configuration in
        `envs.config`, or for `gymnax/...` its parameters there.

    Returns:
      `(env, params)` in the gymnax 1.x contract, already checked against it.

    Raises:
      ValueError: for an unknown name or parameter, or a value that cannot work.
    """
    try:
        env, env_params = build(name, **params)
        if history:
            from envs.contract.wrappers import History

            check(env, env_params)
            env = History(env)
        check(env, env_params)
    except Exception as error:
        told = isinstance(error, ValueError | ImportError)
        if told and not values.lacks_memory(error):
            raise
        # With its own values it can be made. A user's own code speaks for itself.
        if not params or name == "custom":
            raise
        given = ", ".join(f"{key}={fields.shown(v, 80)}" for key, v in params.items())
        said = f"{type(error).__name__} {' '.join(str(error).split())[:200]}".strip()
        said = said.rstrip(".")
        raise ValueError(f"{name} cannot be made with {given}: {said}.") from error
    return env, env_params


def to_gymnasium(name: str, *, num_envs: int | None = None, **params: Any) -> Any:
    """One of our environments as Gymnasium has them.

    Args:
      name: one of `names()`.
      num_envs: B, for a `gymnasium.vector.VectorEnv` that is one compiled program;
        None: a `gymnasium.Env`.
      **params: as of `make`, `history` among them.

    Raises:
      ValueError: as `make` does.
    """
    env, env_params = make(name, **params)
    if num_envs is None:
        return _function("envs.outside.ours:One")(env, env_params)
    return _function("envs.outside.ours:Many")(env, env_params, num_envs)


def references(
    name: str, params: Mapping[str, Any], task: Any, *, key: Any, num_trials: int
) -> Mapping[str, Any]:
    """What random play, the best and an adaptive expert earn on given hidden tasks.

    Args:
      name: of a meta-environment.
      params: that it was made with.
      task: [N, ...] tasks, as its states hold them.
      key: consumed.
      num_trials: K.

    Returns:
      "best" [N] and "adaptive" [N, K] (or None) per trial, what the latter is,
      "adaptive_name", and mostly "random" [N]; nothing where best play is not known.
    """
    config, found = check_config(name, params), spec(name)
    if found.references is None:
        return {}
    return _function(found.references)(config, task, key=key, num_trials=num_trials)


def bodies(
    name: str, params: Mapping[str, Any], task: Any
) -> tuple[list[tuple[str, dict[str, Any]]], Any]:
    """The bare environments that hidden tasks are projections of.

    Args:
      name: of a meta-environment.
      params: that it was made with.
      task: [N, ...] tasks, as its states hold them.

    Returns:
      `(name, params)` of each, and which of them each task has, [N] int32; nothing and
      None where all tasks share one environment.
    """
    config, found = check_config(name, params), spec(name)
    if found.bodies is None:
        return [], None
    return _function(found.bodies)(config), task[0]["body"]
