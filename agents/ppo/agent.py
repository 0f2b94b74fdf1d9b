"""PPO for policies with memory. Reads top-down: `PPO.update`, then what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting.agent import Agent
from agents.acting.axes import ALONE, Axes
from agents.acting.distributions import ActionHead, make_head
from agents.acting.fit import Minibatch, fit
from agents.acting.foresight import foretold
from agents.acting.player import Learner
from agents.acting.policy import LOG_SCALE, ActorCritic
from agents.acting.returns import gae
from agents.acting.rollout import Metrics, Rollout, collect_guided, rollout_metrics
from agents.acting.situation import Policy, Situation
from agents.acting.statistics import STATISTICS, parted, seen
from agents.ppo import running
from agents.ppo.config import PPOConfig
from agents.ppo.objective import Learned, Pull, loss
from agents.ppo.running import Grouping
from agents.ppo.values import value_head
from envs.contract import groups
from envs.contract.wrappers import Privileged


class Anchor(NamedTuple):
    """The policy that a learner began as, which reads along."""

    params: Any
    carry: Any  # [B, ...] its own memory, before the next observation is read


class Kept(NamedTuple):
    """What a learner remembers besides: nothing of what it is not asked for."""

    anchor: Any = ()  # an `Anchor`
    returns: Any = ()  # `running.Returns`


@dataclass(frozen=True)
class PPO(Agent):
    """Proximal policy optimisation; its `config` is a `PPOConfig`.

    The learner's `extra` is a `Kept`. Statistics of observations are among its
    `params`, so that whatever acts with those reads through them.
    """

    def policy(self, params: Any) -> Policy:
        """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B]."""
        apply: Any = self.network.apply
        return lambda carry, obs, reset: apply(params, carry, obs, reset)

    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """Adam, which divides by a root plus an epsilon of choice."""
        return optax.adam(rate, eps=self.config.adam_epsilon)

    @property
    def num_groups(self) -> int:
        """Of lanes: how many bodies there are."""
        return groups.count(self.env)

    def behaviour(self, learner: Learner) -> Policy:
        """The policy that is learned."""
        return self.policy(learner.params)

    def extra(self, params: Any) -> Kept:
        """The policy of now, where it is to be kept; and no rewards so far."""
        anchor, returns = (), ()
        lanes = self.axes.count(self.config.num_envs)
        if self.config.anchor_weight:
            anchor = Anchor(params, self.network.initial_carry(lanes))
        if self.config.scale_rewards:
            returns = running.first(lanes, self.num_groups)
        return Kept(anchor, returns)

    @property
    def extra_lanes(self) -> Kept:
        """Memory of the first policy, and what rewards have added up to."""
        has: Any = True
        none: Any = False
        return Kept(
            Anchor(none, has) if self.config.anchor_weight else (),
            running.Returns(has, none) if self.config.scale_rewards else (),
        )

    def anchored(self, learner: Learner, rollout: Rollout) -> tuple[Any, Any, Any]:
        """`(anchor, outputs [T, B, ...], pull)`: what the first policy says of it all.

        It reads with its own memory, which goes on from rollout to rollout as that of
        the policy does. Nothing of this where there is no anchor.
        """
        if not self.config.anchor_weight:
            return (), (), None
        anchor, apply = learner.extra.anchor, self.network.apply
        carry, outputs, _ = apply(
            anchor.params, anchor.carry, rollout.obs, rollout.reset, method="raw"
        )
        falls = max(self.config.anchor_share * self.num_updates, 1)
        left = jnp.maximum(1 - learner.num_updates.astype(jnp.float32) / falls, 0)
        scale = anchor.params["params"].get(LOG_SCALE)
        pull = Pull(self.config.anchor_weight * left, scale)
        return anchor._replace(carry=carry), outputs, pull

    def collected(
        self, learner: Learner, key: Array
    ) -> tuple[Situation, Rollout, Array | None]:
        """`(situation, rollout, group [T, B])`; no group where nothing depends on it.

        `key` is consumed.
        """
        apart = self.config.scale_rewards or self.config.group_advantages
        apart = apart and self.num_groups > 1
        situation, _, rollout, group = collect_guided(
            *(learner.situation, (), key),
            env=self.env,
            env_params=self.env_params,
            policy=self.policy(learner.params),
            to_env=self.network.head.to_env,
            length=self.config.rollout_length,
            axes=self.axes,
            guide=Grouping(self.env, self.env_params) if apart else None,
        )
        return situation, rollout, group if apart else None

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout, estimates advantages, fits for a few epochs.

        What was observed enters the statistics last: in the fit, observations are read
        as acting read them.
        """
        axes = self.axes
        key, rollout_key, fit_key = jax.random.split(learner.key, 3)
        initial_carry = learner.situation.carry
        situation, rollout, group = self.collected(learner, axes.key(rollout_key))
        reward, returns = rollout.reward, learner.extra.returns
        if self.config.scale_rewards:
            discount = self.config.discount
            returns = running.followed(returns, rollout, group, discount, axes)
            reward = running.scaled(returns, reward, group)
        advantage = gae(
            reward=reward,
            value=rollout.value,
            next_value=rollout.next_value,
            terminated=rollout.terminated,
            truncated=rollout.truncated,
            discount=self.config.discount * rollout.continuation,
            lambda_=self.config.gae_lambda,
        )
        anchor, outputs, pull = self.anchored(learner, rollout)
        learned = Learned(advantage, outputs, () if group is None else group)
        moved, still = parted(learner.params)
        moved, opt_state, fit_metrics = fit(
            moved,
            learner.opt_state,
            Minibatch(initial_carry, rollout, learned),
            fit_key,
            loss=partial(loss, agent=self, pull=pull, statistics=still),
            optimizer=self.optimizer,
            config=self.config,
            axes=axes,
        )
        params = {**moved, **self.observed(still, rollout)}
        updates, extra = learner.num_updates + 1, Kept(anchor, returns)
        learner = Learner(params, opt_state, situation, key, updates, extra)
        metrics = rollout_metrics(rollout) | advantage_metrics(rollout, advantage, axes)
        return learner, axes.metrics({**metrics, **fit_metrics})

    def observed(self, still: Any, rollout: Rollout) -> Any:
        """The network's statistics, with what a rollout has shown."""
        if not self.config.normalize_obs:
            return still
        return {
            STATISTICS: {"obs": seen(still[STATISTICS]["obs"], rollout.obs, self.axes)}
        }


def make_ppo(
    config: PPOConfig,
    *,
    env: Any,
    env_params: Any,
    core: Any,
    num_updates: int,
    axes: Axes = ALONE,
) -> PPO:
    """Assembles the agent.

    Args:
      config: hyper-parameters.
      env: in the gymnax 1.x contract, with its `env_params`.
      core: memory, such as `s5rl.make_core("s5", features=64)`.
      num_updates: length of training, which learning-rate annealing needs to know.
      axes: see `agents.acting.agent.Agent`.

    Raises:
      ValueError: if the action space is of a kind without a distribution, the critic is
        to be privileged and the environment has no Markov state, or `num_updates` are
        too many (`RolloutConfig.check_updates`).
    """
    config.check_updates(num_updates)
    asked = foretold(
        config.foresight_weight,
        env.observation_space(env_params),
        env.action_space(env_params),
    )
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
        foretold=asked,
        normalized=config.normalize_obs,
        value_head=value_head(config.value_loss, config.value_bins),
        # A core from elsewhere may have none.
        chunk_length=getattr(core, "chunk_length", None),
        dtype=config.dtype,
    )
    return PPO(config, env, env_params, network, axes, num_updates)


def advantage_metrics(rollout: Rollout, advantage: Array, axes: Axes) -> Metrics:
    """What became of the rollout, in scalars."""
    target = advantage + rollout.value
    unexplained = axes.variance(advantage) / (axes.variance(target) + 1e-8)
    return {
        "rollout/advantage": advantage.mean(),
        "diagnostics/explained_variance": 1 - unexplained,
    }
