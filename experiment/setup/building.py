"""From a configuration to an agent; everything that can be refused is refused here."""

import dataclasses
import dis
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
from jax import Array

import agents
import envs
import s5rl
from agents.acting.axes import Axes
from envs.contract import expert
from experiment.errors import InputError
from experiment.setup.config import RunConfig
from experiment.setup.sections import EnvChoice

SEED_AXIS = "seed"


def build_agent(
    config: RunConfig,
    env_choice: EnvChoice | None = None,
    teacher: Callable[[Any, Any], Array] | None = None,
    stored: Any = None,
) -> Any:
    """Builds environment, core and agent.

    Args:
      config: of the run.
      env_choice: another environment than the run's, to evaluate on.
      teacher: `(state, params) -> action`, an expert for an environment without one.
      stored: histories that were stored, of an agent that learns from some.

    Raises:
      InputError: if the environment refuses its parameters or breaks the contract, or
        the agent cannot act in it. What fails in code of the user's own is told with
        its place; what fails in ours is no bad input, and keeps its traceback.
    """
    choice = env_choice or config.env
    try:
        env, env_params = envs.make(
            choice.name, history=choice.history, **choice.params
        )
        if teacher is not None:
            env = expert.Taught(env, teacher)
        core = s5rl.make_core(
            config.core.name,
            features=config.core.features,
            **dataclasses.asdict(config.core.options),
        )
        _check_expert(config, choice, env)
        return agents.make(
            config.agent.name,
            config.agent.options,
            env=env,
            env_params=env_params,
            core=core,
            num_updates=config.num_updates,
            axes=Axes(seeds=SEED_AXIS),
            **({} if stored is None else {"stored": stored}),
        )
    except ValueError as error:
        if not _is_refusal(error):
            raise
        raise InputError(str(error)) from error


def _check_expert(config: RunConfig, choice: EnvChoice, env: Any) -> None:
    """Refuses an agent that learns from an expert where there is none.

    Where some are named they may be away: what has learned from them can act.
    """
    agent = config.agent.name
    if not agents.AGENTS[agent].has_expert or expert.expert(env) is not None:
        return
    if config.agent.options.experts is None:
        why = envs.spec(choice.name).expert.note
        raise InputError(
            f"agent={agent} learns from an expert that knows the task, and "
            f"{choice.name} has none: {why}."
        )


def computing(config: RunConfig) -> AbstractContextManager[Any]:
    """In which a run's programs are traced: products have the run's precision.

    Of null nothing is said, so that JAX_DEFAULT_MATMUL_PRECISION counts.
    """
    precision = config.schedule.precision
    return jax.default_matmul_precision(precision) if precision else nullcontext()


def _is_refusal(error: ValueError) -> bool:
    """Whether a `raise` of ours made it, and not a call that went wrong.

    Refusals are sentences that our own code raises; a ValueError that comes out of a
    call (an addition of arrays, an unpacking) is a fault of the code that made it.
    """
    trace = error.__traceback__
    assert trace is not None
    while trace.tb_next is not None:
        trace = trace.tb_next
    module = str(trace.tb_frame.f_globals.get("__name__", ""))
    instruction = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    ours = module.partition(".")[0] in ("agents", "envs", "experiment", "s5rl")
    return ours and dis.opname[instruction] == "RAISE_VARARGS"


def seed_keys(config: RunConfig) -> Array:
    """[S] a key per learner; learner i has the same one however many there are."""
    return keys_from(jax.numpy.uint32(config.schedule.seed), config)


def keys_from(seed: Any, config: RunConfig) -> Array:
    """Likewise from a run's seed, which may be a traced number.

    Those of a setting are those that it would have alone.
    """
    key = jax.random.key(seed)
    indices = jax.numpy.arange(config.num_learners) % config.schedule.num_seeds
    return jax.vmap(lambda index: jax.random.fold_in(key, index))(indices)


def learner_shapes(agent: Any, config: RunConfig) -> Any:
    """Learners of all seeds as shapes and types, on one device; nothing is computed."""
    return jax.eval_shape(jax.vmap(agent.initialise), seed_keys(config))


def over_seeds(function: Any) -> Any:
    """Vmaps over learners, under the axis name that agents are built with."""
    return jax.vmap(function, axis_name=SEED_AXIS)
