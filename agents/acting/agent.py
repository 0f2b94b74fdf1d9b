"""What agents that learn from rollouts share: a learner, how it begins, acts and plays.

An agent is `initialise`, `update`, `initial_carry` and `act`, and for evaluation
`evaluate`, `evaluate_trials` and `tasks`: all pure. What is left for each is how it
behaves and how it learns.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting import foresight
from agents.acting.axes import ALONE, Axes
from agents.acting.distributions import ActionHead
from agents.acting.episodes import Episodes, play
from agents.acting.fit import learning_rate
from agents.acting.recall import Recording, recall, record
from agents.acting.rollout import Metrics, Policy, Situation, begin, read
from agents.acting.statistics import parted
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
class Agent(ABC):
    """One learner. To train several, `vmap` `update`, and `jax.lax.map` `initialise`.

    (Orthogonal initialisers under `vmap` can hang on a CPU: see
    `experiment.run.mesh.Placement.draw`.)

    `axes` names what it is mapped over. An update has to know: over learners, so as to
    skip for all at once the evaluations that only time limits need; over blocks of its
    own lanes, for what it makes of all of them.
    """

    config: Any  # an `agents.acting.config.RolloutConfig`
    env: Any
    env_params: Any
    network: Network
    axes: Axes = ALONE
    num_updates: int = 1  # of the run: rates and shares fall over them

    @abstractmethod
    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout and learns from it.

        Returns:
          `(learner, metrics)`. Metrics are scalars, with the same names every time:
          `episode/*` are totals over the episodes that ended, the rest are means; they
          stand in the order in which a non-finite value would spread.
        """

    @abstractmethod
    def behaviour(self, learner: Learner) -> Policy:
        """How it acts: `(carry, obs, reset) -> (carry, distribution, value)`."""

    @abstractmethod
    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """What makes steps of gradients that are not too long."""

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """What makes steps of gradients."""
        return optax.chain(
            optax.clip_by_global_norm(self.config.max_grad_norm),
            self.descent(learning_rate(self.config, self.num_updates)),
        )

    def told(self, agent: Mapping[str, Any], core: Mapping[str, Any]) -> "Agent":
        """The same agent with other numbers, which may be traced.

        Args:
          agent: of its configuration, of those that `agents.acting.config.number`
            declares; they have been checked.
          core: of its core's configuration, of those that are `initial` in it.
        """
        network: Any = self.network
        if core:
            config = _with(network.core.config, core)
            network = network.clone(core=network.core.clone(config=config))
        config = _with(self.config, agent)
        return replace(self, config=config, network=network)

    def initialise(self, key: Array) -> Learner:
        """Draws parameters and resets environments. `key` is consumed."""
        params_key, env_key, key = jax.random.split(key, 3)
        lanes, axes = self.config.num_envs, self.axes
        carry = self.network.initial_carry(axes.count(lanes))
        situation = begin(self.env, self.env_params, carry, env_key, lanes, axes)
        obs = jax.tree.map(lambda x: x[None], situation.obs)
        params = self.network.init(params_key, carry, obs, situation.reset[None])
        learner = Learner(params, (), situation, key, jnp.zeros((), jnp.int32))
        return self.begun(learner, params)

    def begun(self, learner: Learner, params: Any) -> Learner:
        """A learner that begins from these parameters, whatever it had before.

        Its layers that foretell (`agents.acting.foresight`) stay its own.
        """
        params = foresight.joined(params, foresight.parted(learner.params)[1])
        opt_state = self.optimizer.init(self.weights(params))
        extra = self.extra(params)
        return learner._replace(params=params, opt_state=opt_state, extra=extra)

    def weights(self, params: Any) -> Any:
        """Of a learner's params those that are learned, which statistics are not."""
        return parted(params)[0]

    def acting_params(self, params: Any) -> Any:
        """Of a network that acts as it does by itself, for another agent to begin from.

        Args:
          params: of a learner of this agent.
        """
        return self.lasting(params)

    def lasting(self, params: Any) -> Any:
        """What of its parameters another agent can give it: not what foretells."""
        return foresight.parted(params)[0]

    def extra(self, params: Any) -> Any:
        """What it has to remember besides, at the start; the parameters are those."""
        return ()

    @property
    def extra_lanes(self) -> Any:
        """Which parts of `extra` have lanes as their first axis: bools over leaves."""
        return False

    @property
    def lanes(self) -> Learner:
        """Likewise, of a learner."""
        has: Any = True  # where a learner has arrays
        none: Any = False
        return Learner(none, none, has, none, none, self.extra_lanes)

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


def _with(config: Any, values: Mapping[str, Any]) -> Any:
    """A frozen configuration with other values, which its own checks cannot read."""
    changed = copy(config)
    for name, value in values.items():
        object.__setattr__(changed, name, value)
    return changed
