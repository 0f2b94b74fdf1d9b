"""A learner at play: how an agent decides, and what it earns; nothing is learned."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import optax
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.distributions import ActionHead
from agents.acting.episodes import Episodes, play
from agents.acting.recall import Recording, recall, record
from agents.acting.situation import Policy, Situation, read
from agents.acting.trials import (
    Trials,
    play_controls,
    play_expert,
    play_trials,
    tasks_of,
)
from envs.contract.expert import Expert


class Network(Protocol):
    """A flax module over [T, B] that has memory."""

    head: ActionHead
    init: Any  # (key, carry, obs, reset) -> params
    apply: Any  # (params, carry, obs, reset) -> (carry, ...)

    def initial_carry(self, batch_size: int) -> Any: ...


class Learner(NamedTuple):
    """Everything that changes during training; one pytree, so one checkpoint."""

    params: Any
    opt_state: optax.OptState
    situation: Situation  # of the environments, memory included
    key: Array
    num_updates: Array  # [] int32, so far
    extra: Any = ()  # what else an agent has to remember

    @property
    def acting(self) -> "Learner":
        """What of it acting reads (`Agent.behaviour`); everything else is empty."""
        return self._replace(opt_state=(), situation=(), key=(), extra=())


@dataclass(frozen=True)
class Player(ABC):
    """Plays with what a learner knows, in fresh environments; changes nothing of it."""

    config: Any  # an `agents.acting.config.RolloutConfig`
    env: Any
    env_params: Any
    network: Network
    axes: Axes = ALONE

    @abstractmethod
    def behaviour(self, learner: Learner) -> Policy:
        """How it acts: `(carry, obs, reset) -> (carry, distribution, value)`."""

    def initial_carry(self, batch_size: int) -> Any:
        """[B, ...] memory that has read nothing."""
        return self.network.initial_carry(batch_size)

    def act(
        self,
        learner: Learner,
        carry: Any,
        obs: Any,
        reset: Array,
        key: Array | None,
        greedy: bool,
    ) -> tuple[Any, Array]:
        """One decision in each of B environments.

        Args:
          learner: that decides.
          carry: [B, ...] memory before `obs` is read.
          obs: [B, ...]
          reset: [B] bool, `obs` opens a segment: memory is cleared before it is read.
          key: consumed; None where `greedy`.
          greedy: the mode of its behaviour instead of a sample.

        Returns:
          `(carry, action)`: memory after `obs` was read, and what the environment gets.

        Raises:
          ValueError: if an action is to be drawn without a key.
        """
        if key is None and not greedy:
            raise ValueError("a key must be given to draw an action; got None.")
        carry, distribution, _ = read(self.behaviour(learner), carry, obs, reset)
        action = distribution.mode() if key is None or greedy else (
            distribution.sample(key)
        )  # fmt: skip
        # Lane by lane, as in a rollout: bounds [A] are not broadcast over lanes.
        return carry, jax.vmap(self.network.head.to_env)(action[0])

    def evaluate(
        self, learner: Learner, key: Array, *, num_episodes: int, greedy: bool
    ) -> Episodes:
        """Plays fresh episodes with the learner's parameters. `key` is consumed."""
        return play(
            self.behaviour(learner),
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
                *(self.behaviour(learner), empty, key, control, foreign),
                num_tasks=num_tasks,
                num_trials=num_trials,
                swap_at=swap_at,
                env=self.env,
                env_params=self.env_params,
                to_env=self.network.head.to_env,
                greedy=greedy,
            )

        over_learners = jax.vmap(play, (0, None, None, 0), axis_name=self.axes.seeds)
        empty_of_all = jax.vmap(lambda _: empty)(learners.num_updates)
        compiled = partial(jax.jit(over_learners), learners)
        return play_controls(compiled, key, empty_of_all, axis=1)

    def record(
        self,
        learner: Learner,
        key: Array,
        *,
        num_episodes: int,
        num_steps: int,
        greedy: bool,
    ) -> Recording:
        """Plays so many steps [T] in fresh environments [N]. `key` is consumed."""
        return record(
            self.behaviour(learner),
            self.network.initial_carry(num_episodes),
            key,
            num_episodes=num_episodes,
            num_steps=num_steps,
            env=self.env,
            env_params=self.env_params,
            to_env=self.network.head.to_env,
            greedy=greedy,
        )

    def recall(self, learner: Learner, recording: Recording, steps: Array) -> Array:
        """[Q, T, N] what decisions at steps [Q] hang on: see `agents.acting.recall`."""
        carry = self.network.initial_carry(recording.reset.shape[1])
        return recall(self.behaviour(learner), carry, recording, steps)

    def evaluate_expert(
        self, act: Expert, key: Array, *, num_tasks: int, num_trials: int
    ) -> Trials:
        """Trials [N, K] of an expert on the tasks that `evaluate_trials` plays."""
        env, env_params = self.env, self.env_params
        sizes = dict(num_tasks=num_tasks, num_trials=num_trials)
        return play_expert(act, key, env=env, env_params=env_params, **sizes)

    def tasks(self, key: Array, *, num_tasks: int) -> Any:
        """[N, ...] the hidden tasks of `evaluate_trials` with the same `key`."""
        env, env_params = self.env, self.env_params
        return tasks_of(key, num_tasks=num_tasks, env=env, env_params=env_params)
