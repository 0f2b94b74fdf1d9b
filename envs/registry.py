"""Environments by name: checked and made, and what is known of them.

Free of JAX until one is made, so that a command line can ask.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from envs import fields, values
from envs.config import OpenConfig
from envs.naming import unknown
from envs.scale import Levels
from envs.table import spec


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
