"""A trained learner, to act with: what `experiment.load` gives."""

from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from experiment.errors import InputError
from experiment.run.outcome import setting_of
from experiment.run.picked import restored
from experiment.run.run_folder import RunFolder
from experiment.setup import trust as trust_module
from experiment.setup.building import build_agent, computing, learner_shapes
from experiment.setup.config import RunConfig


class Trained:
    """One learner of a run, with the environment that it was trained in.

    Attributes:
      config: of the run.
      env: as the agent sees it, in the gymnax 1.x contract.
      env_params: its parameters.
      update: updates behind the learner.
      learner: a pytree: parameters, and whatever else changes in training.
    """

    def __init__(self, config: RunConfig, agent: Any, learner: Any, update: int):
        """Puts them together; see `load`."""
        self.config, self.learner, self.update = config, learner, update
        self.env, self.env_params = agent.env, agent.env_params
        self._agent = agent

    def initial_carry(self, batch_size: int) -> Any:
        """[B, ...] memory that has read nothing."""
        return self._agent.initial_carry(batch_size)

    def act(
        self,
        carry: Any,
        obs: Any,
        reset: Array,
        key: Array | None = None,
        greedy: bool = True,
    ) -> tuple[Any, Array]:
        """One decision in each of B environments.

        Args:
          carry: [B, ...] memory before `obs` is read.
          obs: [B, ...]
          reset: [B] bool, `obs` opens a segment: memory is cleared before it is read.
          key: consumed; it may be left out where `greedy`.
          greedy: the likeliest, or best, action instead of a drawn one.

        Returns:
          `(carry, action)`: memory after `obs` was read, and what the environment gets.

        Raises:
          ValueError: if an action is to be drawn without a key.
        """
        with computing(self.config):
            return self._act(self.learner, carry, obs, jnp.asarray(reset), key, greedy)

    @cached_property
    def _act(self) -> Any:
        return jax.jit(self._agent.act, static_argnames="greedy")


def load(run: str, *, seed: int, setting: int | None = None, trust: bool) -> Trained:
    """See `experiment.load`."""
    folder = RunFolder.existing(run, "run")
    config = folder.load_config()
    trust_module.check(config, folder.path, trust)
    chosen = setting_of(folder, config, setting)
    agent = build_agent(config.alone(chosen))
    like = learner_shapes(agent, config)
    update, learners, seeds = restored(folder, config, chosen, like)
    if seed not in seeds:
        listed = ", ".join(map(str, seeds))
        raise InputError(f"seed must be one of {listed}, of {run}; got {seed}.")
    learner = jax.tree.map(lambda x: x[seeds.index(seed)], learners)
    return Trained(config.alone(chosen), agent, learner, update)
