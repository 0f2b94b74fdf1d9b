"""PPO for policies with memory. Reads top-down: `PPO.update`, then what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting.agent import Agent, Learner
from agents.acting.distributions import ActionHead, make_head
from agents.acting.fit import Minibatch, fit, learning_rate
from agents.acting.policy import ActorCritic
from agents.acting.returns import gae
from agents.acting.rollout import Metrics, Policy, Rollout, collect, rollout_metrics
from agents.ppo.config import PPOConfig
from agents.ppo.objective import loss
from envs.contract.wrappers import Privileged


@dataclass(frozen=True)
class PPO(Agent):
    """Proximal policy optimisation; its `config` is a `PPOConfig`."""

    def policy(self, params: Any) -> Policy:
        """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B]."""
        apply: Any = self.network.apply
        return lambda carry, obs, reset: apply(params, carry, obs, reset)

    def behaviour(self, learner: Learner) -> Policy:
        """The policy that is learned."""
        return self.policy(learner.params)

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout, estimates advantages, fits for a few epochs."""
        key, rollout_key, fit_key = jax.random.split(learner.key, 3)
        initial_carry = learner.situation.carry
        situation, rollout = collect(
            learner.situation,
            rollout_key,
            env=self.env,
            env_params=self.env_params,
            policy=self.policy(learner.params),
            to_env=self.network.head.to_env,
            length=self.config.rollout_length,
            seed_axis=self.seed_axis,
        )
        advantage = gae(
            reward=rollout.reward,
            value=rollout.value,
            next_value=rollout.next_value,
            terminated=rollout.terminated,
            truncated=rollout.truncated,
            discount=self.config.discount * rollout.continuation,
            lambda_=self.config.gae_lambda,
        )
        params, opt_state, fit_metrics = fit(
            learner.params,
            learner.opt_state,
            Minibatch(initial_carry, rollout, advantage),
            fit_key,
            loss=partial(loss, agent=self),
            optimizer=self.optimizer,
            config=self.config,
        )
        learner = Learner(params, opt_state, situation, key, learner.num_updates + 1)
        metrics = rollout_metrics(rollout) | advantage_metrics(rollout, advantage)
        return learner, {**metrics, **fit_metrics}


def make_ppo(
    config: PPOConfig,
    *,
    env: Any,
    env_params: Any,
    core: Any,
    num_updates: int,
    seed_axis: str | None = None,
) -> PPO:
    """Assembles the agent.

    Args:
      config: hyper-parameters.
      env: in the gymnax 1.x contract, with its `env_params`.
      core: memory, such as `s5rl.make_core("s5", features=64)`.
      num_updates: length of training, which learning-rate annealing needs to know.
      seed_axis: see `agents.acting.agent.Agent`.

    Raises:
      ValueError: if the action space is of a kind without a distribution, the critic is
        to be privileged and the environment has no Markov state, or `num_updates` are
        too many (`RolloutConfig.check_updates`).
    """
    config.check_updates(num_updates)
    if config.privileged_critic:
        env = Privileged(env)
    head: ActionHead = make_head(
        env.action_space(env_params), squash=config.squash_actions
    )
    network = ActorCritic(
        core=core,
        head=head,
        observation_space=env.observation_space(env_params),
        encoder_sizes=tuple(config.encoder_sizes),
        head_sizes=tuple(config.head_sizes),
        privileged=config.privileged_critic,
        never_reset=config.memory == "never_reset",
        # A core from elsewhere may have none.
        chunk_length=getattr(core, "chunk_length", None),
        dtype=config.dtype,
    )
    optimizer = optax.chain(
        optax.clip_by_global_norm(config.max_grad_norm),
        optax.adam(learning_rate(config, num_updates), eps=config.adam_epsilon),
    )
    return PPO(config, env, env_params, network, optimizer, seed_axis)


def advantage_metrics(rollout: Rollout, advantage: Array) -> Metrics:
    """What became of the rollout, in scalars."""
    target = advantage + rollout.value
    unexplained = jnp.var(advantage) / (jnp.var(target) + 1e-8)
    return {
        "rollout/advantage": advantage.mean(),
        "diagnostics/explained_variance": 1 - unexplained,
    }
