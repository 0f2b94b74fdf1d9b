"""PPO for policies with memory. Reads top-down: `PPO.update`, then what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting.distributions import ActionHead, make_head
from agents.acting.episodes import Episodes, play
from agents.acting.policy import ActorCritic
from agents.acting.rollout import Policy, Rollout, Situation, begin, collect
from agents.acting.trials import Trials, play_controls, play_trials, tasks_of
from agents.ppo.advantages import gae
from agents.ppo.config import PPOConfig
from agents.ppo.fit import fit
from agents.ppo.objective import Metrics, Minibatch
from envs.contract.wrappers import Privileged


class Learner(NamedTuple):
    """Everything that changes during training; one pytree, so one checkpoint."""

    params: Any
    opt_state: optax.OptState
    situation: Situation  # of the environments, memory included
    key: Array
    num_updates: Array  # [] int32, so far


@dataclass(frozen=True)
class PPO:
    """One learner. To train several, `vmap` `update`, and `jax.lax.map` `initialise`.

    (Orthogonal initialisers under `vmap` can hang on a CPU: see
    `experiment.setup.building.initialisation`.)

    `seed_axis` names the axis of that `vmap`. It lets `update` skip, for all seeds at
    once, the evaluations that only time limits need.
    """

    config: PPOConfig
    env: Any
    env_params: Any
    network: ActorCritic
    optimizer: optax.GradientTransformation
    seed_axis: str | None = None

    def policy(self, params: Any) -> Policy:
        """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B]."""
        apply: Any = self.network.apply
        return lambda carry, obs, reset: apply(params, carry, obs, reset)

    def initialise(self, key: Array) -> Learner:
        """Draws parameters and resets environments. `key` is consumed."""
        params_key, env_key, key = jax.random.split(key, 3)
        carry = self.network.initial_carry(self.config.num_envs)
        situation = begin(
            self.env, self.env_params, carry, env_key, self.config.num_envs
        )
        obs = jax.tree.map(lambda x: x[None], situation.obs)
        params = self.network.init(params_key, carry, obs, situation.reset[None])
        opt_state = self.optimizer.init(params)
        return Learner(params, opt_state, situation, key, jnp.zeros((), jnp.int32))

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout, estimates advantages, fits for a few epochs.

        Returns:
          `(learner, metrics)`. Metrics are scalars, with the same names every time:
          `episode/*` are totals over the episodes that ended, the rest are means; they
          stand in the order in which a non-finite value would spread.
        """
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
        batch = Minibatch(initial_carry, rollout, advantage)
        params, opt_state, fit_metrics = fit(
            learner.params, learner.opt_state, batch, fit_key, self
        )
        learner = Learner(params, opt_state, situation, key, learner.num_updates + 1)
        return learner, {**rollout_metrics(rollout, advantage), **fit_metrics}

    def evaluate(
        self, learner: Learner, key: Array, *, num_episodes: int, greedy: bool
    ) -> Episodes:
        """Plays fresh episodes with the learner's parameters. `key` is consumed."""
        return play(
            self.policy(learner.params),
            self.network.initial_carry(num_episodes),
            key,
            num_episodes=num_episodes,
            env=self.env,
            env_params=self.env_params,
            to_env=self.network.head.to_env,
            greedy=greedy,
        )

    def evaluate_trials(
        self,
        learners: Learner,
        key: Array,
        *,
        num_tasks: int,
        num_trials: int,
        swap_at: int,
        greedy: bool,
    ) -> dict[str, Trials]:
        """Meta-episodes of all learners [S, ...] under every control.

        See `agents.acting.trials`. `key` is consumed; tasks and draws are the same for
        all.

        Returns:
          Trials [S, N, K] by control, and of "random" play.
        """
        empty = self.network.initial_carry(num_tasks)

        def play(learner, key, control, foreign):
            return play_trials(
                *(self.policy(learner.params), empty, key, control, foreign),
                num_tasks=num_tasks,
                num_trials=num_trials,
                swap_at=swap_at,
                env=self.env,
                env_params=self.env_params,
                to_env=self.network.head.to_env,
                greedy=greedy,
            )

        over_learners = jax.vmap(play, (0, None, None, 0), axis_name=self.seed_axis)
        empty_of_all = jax.vmap(lambda _: empty)(learners.num_updates)
        compiled = partial(jax.jit(over_learners), learners)
        return play_controls(compiled, key, empty_of_all, axis=1)

    def tasks(self, key: Array, *, num_tasks: int) -> Any:
        """[N, ...] the hidden tasks of `evaluate_trials` with the same `key`."""
        env, env_params = self.env, self.env_params
        return tasks_of(key, num_tasks=num_tasks, env=env, env_params=env_params)


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
      seed_axis: see `PPO`.

    Raises:
      ValueError: if the action space is of a kind without a distribution, the critic is
        to be privileged and the environment has no Markov state, or `num_updates` are
        too many (`PPOConfig.check_updates`).
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
    )
    learning_rate: Any = config.learning_rate
    if config.anneal_learning_rate:
        steps = num_updates * config.epochs * config.num_minibatches
        learning_rate = optax.linear_schedule(config.learning_rate, 0.0, steps)
    optimizer = optax.chain(
        optax.clip_by_global_norm(config.max_grad_norm),
        optax.adam(learning_rate, eps=config.adam_epsilon),
    )
    return PPO(config, env, env_params, network, optimizer, seed_axis)


def rollout_metrics(rollout: Rollout, advantage: Array) -> Metrics:
    """What was collected, in scalars."""
    ended = rollout.terminated | rollout.truncated
    target = advantage + rollout.value
    unexplained = jnp.var(advantage) / (jnp.var(target) + 1e-8)
    return {
        "rollout/reward": rollout.reward.mean(),
        "episode/count": ended.sum(dtype=jnp.int32),
        "episode/return": rollout.ended_return.sum(),
        "episode/length": rollout.ended_length.sum(dtype=jnp.int32),
        "rollout/value": rollout.value.mean(),
        "rollout/advantage": advantage.mean(),
        "diagnostics/explained_variance": 1 - unexplained,
    }
