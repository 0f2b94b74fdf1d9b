"""Recurrent PQN(lambda). Reads top-down: `PQN.update`, then what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from gymnax.environments import spaces
from jax import Array

from agents.acting.agent import Agent
from agents.acting.axes import ALONE, Axes
from agents.acting.distributions import DiscreteHead, EpsilonGreedy
from agents.acting.fit import Minibatch, fit
from agents.acting.player import Learner
from agents.acting.rollout import Metrics, collect, rollout_metrics
from agents.acting.situation import Policy
from agents.pqn.config import PQNConfig
from agents.pqn.network import QNetwork
from agents.pqn.objective import loss


@dataclass(frozen=True)
class PQN(Agent):
    """Parallelised Q-network; its `config` is a `PQNConfig`.

    No buffer and no target network: what was collected is fitted, and gone.
    """

    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """Rectified Adam."""
        return optax.radam(rate)

    def q(self, params: Any, carry: Any, obs: Any, reset: Array) -> Array:
        """[T, B, A] values of all actions."""
        return self.network.apply(params, carry, obs, reset)[1]

    def epsilon(self, num_updates: Array, num_lanes: int) -> Array:
        """[B] share of random actions, by lane, after so many updates ([] int32).

        It falls linearly in time, and from lane to lane as in Horgan et al. (2018).
        """
        config = self.config
        falls = max(config.epsilon_share * self.num_updates, 1)
        past = jnp.minimum(num_updates.astype(jnp.float32) / falls, 1)
        start, end = config.epsilon_start, config.epsilon_end
        lane = jnp.arange(num_lanes, dtype=jnp.float32) / max(num_lanes - 1, 1)
        return (start + past * (end - start)) ** (1 + config.epsilon_spread * lane)

    def behaviour(self, learner: Learner) -> Policy:
        """Epsilon-greedy, as it is now; the value is that of the best action.

        Lanes are those of the batch that it acts in, however many they are.
        """
        axes = self.axes

        def policy(carry, obs, reset):
            carry, q = self.network.apply(learner.params, carry, obs, reset)
            num_lanes = axes.number * reset.shape[1]
            epsilon = axes.own(self.epsilon(learner.num_updates, num_lanes))
            return carry, EpsilonGreedy(q, epsilon[None]), q.max(-1)

        return policy

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout and fits it for a few epochs; targets follow the fit."""
        axes = self.axes
        key, rollout_key, fit_key = jax.random.split(learner.key, 3)
        initial_carry = learner.situation.carry
        situation, rollout = collect(
            learner.situation,
            axes.key(rollout_key),
            env=self.env,
            env_params=self.env_params,
            policy=self.behaviour(learner),
            to_env=self.network.head.to_env,
            length=self.config.rollout_length,
            axes=axes,
        )
        params, opt_state, fit_metrics = fit(
            learner.params,
            learner.opt_state,
            Minibatch(initial_carry, rollout, ()),
            fit_key,
            loss=partial(loss, agent=self),
            optimizer=self.optimizer,
            config=self.config,
            axes=axes,
        )
        epsilon = self.epsilon(learner.num_updates, self.config.num_envs)
        metrics = rollout_metrics(rollout) | {"rollout/epsilon": epsilon.mean()}
        learner = Learner(params, opt_state, situation, key, learner.num_updates + 1)
        return learner, axes.metrics({**metrics, **fit_metrics})


def make_pqn(
    config: PQNConfig,
    *,
    env: Any,
    env_params: Any,
    core: Any,
    num_updates: int,
    axes: Axes = ALONE,
) -> PQN:
    """Assembles the agent.

    Args:
      config: hyper-parameters.
      env: in the gymnax 1.x contract, with its `env_params`.
      core: memory, such as `s5rl.make_core("s5", features=64)`.
      num_updates: length of training, which epsilon and the learning rate fall over.
      axes: see `agents.acting.agent.Agent`.

    Raises:
      ValueError: if actions are not some of a finite number, or `num_updates` are too
        many (`RolloutConfig.check_updates`).
    """
    config.check_updates(num_updates)
    space = env.action_space(env_params)
    if not isinstance(space, spaces.Discrete):
        raise ValueError(
            "agent=pqn has a value for each action, so the action space must be "
            f"Discrete; got {space!r}. agent=ppo has continuous actions."
        )
    network = QNetwork(
        core=core,
        head=DiscreteHead(int(space.n)),
        observation_space=env.observation_space(env_params),
        encoder_sizes=tuple(config.encoder_sizes),
        head_sizes=tuple(config.head_sizes),
        never_reset=config.memory == "never_reset",
        # A core from elsewhere may have none.
        chunk_length=getattr(core, "chunk_length", None),
        dtype=config.dtype,
    )
    return PQN(config, env, env_params, network, axes, num_updates)
