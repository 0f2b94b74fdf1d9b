"""A2C (Mnih et al., 2016) for policies with memory: what an agent has to say itself.

Rollouts, boundaries, minibatches, acting, evaluation and checkpoints are shared
(`agents.acting`); here stand how it behaves, what it minimises and its data flow.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting.agent import Agent
from agents.acting.axes import ALONE, Axes
from agents.acting.distributions import make_head
from agents.acting.fit import Minibatch, fit
from agents.acting.player import Learner
from agents.acting.policy import ActorCritic
from agents.acting.returns import gae
from agents.acting.rollout import Metrics, collect, rollout_metrics
from agents.acting.situation import Policy
from examples.adding.agent_row import A2CConfig


@dataclass(frozen=True)
class A2C(Agent):
    """Advantage actor-critic; its `config` is an `A2CConfig`."""

    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """Adam."""
        return optax.adam(rate)

    def behaviour(self, learner: Learner) -> Policy:
        """The policy that is learned."""
        return partial(self.network.apply, learner.params)

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout, estimates advantages, takes a step."""
        axes, config = self.axes, self.config
        key, rollout_key, fit_key = jax.random.split(learner.key, 3)
        situation, rollout = collect(
            learner.situation,
            axes.key(rollout_key),
            env=self.env,
            env_params=self.env_params,
            policy=self.behaviour(learner),
            to_env=self.network.head.to_env,
            length=config.rollout_length,
            axes=axes,
        )
        advantage = gae(
            reward=rollout.reward,
            value=rollout.value,
            next_value=rollout.next_value,
            terminated=rollout.terminated,
            truncated=rollout.truncated,
            discount=config.discount * rollout.continuation,
            lambda_=config.gae_lambda,
        )
        params, opt_state, fitted = fit(
            learner.params,
            learner.opt_state,
            Minibatch(learner.situation.carry, rollout, advantage),
            fit_key,
            loss=self.loss,
            optimizer=self.optimizer,
            config=config,
            axes=axes,
        )
        learner = Learner(params, opt_state, situation, key, learner.num_updates + 1)
        return learner, axes.metrics({**rollout_metrics(rollout), **fitted})

    def loss(self, params: Any, batch: Minibatch, key: Array) -> tuple[Array, Metrics]:
        """Policy gradient, value error and entropy bonus; `key` is consumed."""
        config, rollout, advantage = self.config, batch.rollout, batch.extra
        _, distribution, value = self.network.apply(
            params, batch.initial_carry, rollout.obs, rollout.reset
        )
        log_prob = distribution.log_prob(rollout.action)
        policy_loss = -(log_prob * advantage).mean()
        value_loss = jnp.square(value - (advantage + rollout.value)).mean() / 2
        entropy = distribution.entropy(key).mean()
        total = (
            policy_loss
            + config.value_coefficient * value_loss
            - config.entropy_coefficient * entropy
        )
        return total, {
            "loss/policy": policy_loss,
            "loss/value": value_loss,
            "loss/entropy": entropy,
            # What replay says beside what acting said: about 1e-6, or memory is wrong.
            "diagnostics/replay_error": jnp.abs(log_prob - rollout.log_prob).max(),
        }


def make_a2c(
    config: A2CConfig,
    *,
    env: Any,
    env_params: Any,
    core: Any,
    num_updates: int,
    axes: Axes = ALONE,
) -> A2C:
    """Assembles the agent; arguments are those of `agents.ppo.agent.make_ppo`.

    Raises:
      ValueError: if the action space is of a kind without a distribution, or
        `num_updates` are too many.
    """
    config.check_updates(num_updates)
    network = ActorCritic(
        core=core,
        head=make_head(env.action_space(env_params)),
        observation_space=env.observation_space(env_params),
        encoder_sizes=tuple(config.encoder_sizes),
        head_sizes=tuple(config.head_sizes),
        never_reset=config.memory == "never_reset",
        chunk_length=getattr(core, "chunk_length", None),
        dtype=config.dtype,
    )
    return A2C(config, env, env_params, network, axes, num_updates)
