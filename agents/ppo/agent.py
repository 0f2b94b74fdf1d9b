"""PPO for policies with memory. Reads top-down: `PPO.update`, then what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting.agent import Agent, Learner
from agents.acting.distributions import ActionHead, make_head
from agents.acting.fit import Minibatch, fit, learning_rate
from agents.acting.policy import LOG_SCALE, ActorCritic
from agents.acting.returns import gae
from agents.acting.rollout import Metrics, Policy, Rollout, collect, rollout_metrics
from agents.ppo.config import PPOConfig
from agents.ppo.objective import Learned, Pull, loss
from envs.contract.wrappers import Privileged


class Anchor(NamedTuple):
    """The policy that a learner began as, which reads along."""

    params: Any
    carry: Any  # [B, ...] its own memory, before the next observation is read


@dataclass(frozen=True)
class PPO(Agent):
    """Proximal policy optimisation; its `config` is a `PPOConfig`.

    The learner's `extra` is an `Anchor`, if there is to be one.
    """

    num_updates: int = 1  # of the run: the anchor is let go over a share of them

    def policy(self, params: Any) -> Policy:
        """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B]."""
        apply: Any = self.network.apply
        return lambda carry, obs, reset: apply(params, carry, obs, reset)

    def behaviour(self, learner: Learner) -> Policy:
        """The policy that is learned."""
        return self.policy(learner.params)

    def extra(self, params: Any) -> Any:
        """The policy of now, where it is to be kept."""
        if not self.config.anchor_weight:
            return ()
        return Anchor(params, self.network.initial_carry(self.config.num_envs))

    def anchored(self, learner: Learner, rollout: Rollout) -> tuple[Any, Any, Any]:
        """`(extra, outputs [T, B, ...], pull)`: what the first policy says of it all.

        It reads with its own memory, which goes on from rollout to rollout as that of
        the policy does. Nothing of this where there is no anchor.
        """
        if not self.config.anchor_weight:
            return (), (), None
        anchor, apply = learner.extra, self.network.apply
        carry, outputs, _ = apply(
            anchor.params, anchor.carry, rollout.obs, rollout.reset, method="raw"
        )
        falls = max(self.config.anchor_share * self.num_updates, 1)
        left = jnp.maximum(1 - learner.num_updates.astype(jnp.float32) / falls, 0)
        scale = anchor.params["params"].get(LOG_SCALE)
        pull = Pull(self.config.anchor_weight * left, scale)
        return anchor._replace(carry=carry), outputs, pull

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
        extra, outputs, pull = self.anchored(learner, rollout)
        params, opt_state, fit_metrics = fit(
            learner.params,
            learner.opt_state,
            Minibatch(initial_carry, rollout, Learned(advantage, outputs)),
            fit_key,
            loss=partial(loss, agent=self, pull=pull),
            optimizer=self.optimizer,
            config=self.config,
        )
        updates = learner.num_updates + 1
        learner = Learner(params, opt_state, situation, key, updates, extra)
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
        env.action_space(env_params),
        squash=config.squash_actions,
        actions=config.actions,
        parts=config.num_bins if config.actions == "bins" else config.num_components,
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
    return PPO(config, env, env_params, network, optimizer, seed_axis, num_updates)


def advantage_metrics(rollout: Rollout, advantage: Array) -> Metrics:
    """What became of the rollout, in scalars."""
    target = advantage + rollout.value
    unexplained = jnp.var(advantage) / (jnp.var(target) + 1e-8)
    return {
        "rollout/advantage": advantage.mean(),
        "diagnostics/explained_variance": 1 - unexplained,
    }
