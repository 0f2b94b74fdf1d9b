"""From a configuration to an agent; everything that can be refused is refused here."""

import dataclasses
from functools import partial
from typing import Any

import jax
from jax import Array

import agents
import envs
import s5rl
from experiment.errors import InputError
from experiment.setup.config import EnvChoice, RunConfig

SEED_AXIS = "seed"


def build_agent(config: RunConfig, env_choice: EnvChoice | None = None) -> Any:
    """Builds environment, core and agent.

    Args:
      config: of the run.
      env_choice: another environment than the run's, to evaluate on.

    Raises:
      InputError: if the environment refuses its parameters or breaks the contract, or
        the agent cannot act in it.
    """
    choice = env_choice or config.env
    try:
        env, env_params = envs.make(
            choice.name, history=choice.history, **choice.params
        )
        core = s5rl.make_core(
            config.core.name,
            features=config.core.features,
            **dataclasses.asdict(config.core.options),
        )
        return agents.make(
            config.agent.name,
            config.agent.options,
            env=env,
            env_params=env_params,
            core=core,
            num_updates=config.num_updates,
            seed_axis=SEED_AXIS,
        )
    except ValueError as error:
        raise InputError(str(error)) from error


def seed_keys(config: RunConfig) -> Array:
    """[S] a key per learner; learner i has the same one however many there are."""
    key = jax.random.key(config.schedule.seed)
    indices = jax.numpy.arange(config.schedule.num_seeds)
    return jax.vmap(lambda index: jax.random.fold_in(key, index))(indices)


def initialise_seeds(agent: Any, keys: Array) -> Any:
    """Learners of all seeds, [S, ...], drawn one after another.

    Not under `vmap`: initialisers draw orthogonal matrices, and jaxlib's batched QR
    waits, inside the CPU's thread pool, for threads of that same pool. On two cores,
    two of them at once wait forever (seen with jaxlib 0.10.2, within 300 draws).
    """
    return jax.jit(lambda keys: jax.lax.map(agent.initialise, keys))(keys)


def learner_shapes(agent: Any, config: RunConfig) -> Any:
    """Learners of all seeds as shapes and types; nothing is computed."""
    return jax.eval_shape(partial(initialise_seeds, agent), seed_keys(config))


def over_seeds(function: Any) -> Any:
    """Vmaps over learners, under the axis name that agents are built with."""
    return jax.vmap(function, axis_name=SEED_AXIS)
