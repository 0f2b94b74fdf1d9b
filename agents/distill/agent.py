"""Distillation of learning itself. Top-down: `Distill.update`, what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import jax
import optax
from gymnax.environments import spaces
from jax import Array

from agents.acting.agent import Agent
from agents.acting.axes import ALONE, Axes
from agents.acting.distributions import make_head
from agents.acting.fit import Minibatch, fit
from agents.acting.player import Learner
from agents.acting.policy import ActorCritic
from agents.acting.rollout import Metrics, collect, rollout_metrics
from agents.acting.situation import Policy
from agents.distill.config import DistillConfig
from agents.distill.objective import loss
from agents.distill.record import History, Recorder, falling
from agents.distill.sources import make_source
from envs.contract.tabular import table
from envs.contract.wrappers import name_of


class Stored(Protocol):
    """Histories that were made before."""

    @property
    def shapes(self) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Shape and type of one step, by field of a `History`."""
        ...

    def read(self, key: Array, num_lanes: int, length: int) -> dict[str, Array]:
        """Fields of a `History` [T, B, ...], B histories drawn with `key`."""
        ...


@dataclass(frozen=True)
class Distill(Agent):
    """Predicts what a source that learns the task would do next.

    A source begins knowing nothing and improves from trial to trial. Who can predict it
    over a whole history has to know how it improves, and acting so, improves by itself:
    no weight changes.

    An update makes (or reads) whole histories, from their first step, and fits them;
    and it plays as many steps itself, for its curve alone: `episode/*` and `rollout/*`
    are the learner's, `source/*` its source's. `env_steps` counts the recorded steps of
    sources; they took `source_every` times as many.

    Its `config` is a `DistillConfig`. The critic beside the actor learns nothing here:
    with it, PPO can begin from these parameters.
    """

    recorder: Recorder | None = None  # None: histories are stored
    stored: Stored | None = None

    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """Adam."""
        return optax.adam(rate, eps=1e-8)

    def policy(self, params: Any) -> Policy:
        """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B]."""
        return partial(self.network.apply, params)

    def behaviour(self, learner: Learner) -> Policy:
        """As the source is expected to go on."""
        return self.policy(learner.params)

    def histories(self, key: Array) -> History:
        """[T, B] an update's histories; of them a block's own. `key` is consumed.

        Raises:
          ValueError: if they are stored, and were not opened.
        """
        config = self.config
        num_lanes = self.axes.count(config.num_envs)
        size = dict(length=config.rollout_length, num_lanes=num_lanes)
        if config.histories is not None:
            if self.stored is None:
                raise ValueError(
                    f"update needs the histories of {config.histories}, which are not "
                    "open."
                )
            return History(**self.stored.read(key, **size))
        assert self.recorder is not None
        history = self.recorder.record(key, **size, axes=self.axes)
        return history if config.soft_labels else history._replace(law=None)

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Plays, for the curve, and fits histories of sources."""
        config, axes = self.config, self.axes
        key, play_key, history_key, fit_key = jax.random.split(learner.key, 4)
        situation, rollout = collect(
            learner.situation,
            axes.key(play_key),
            env=self.env,
            env_params=self.env_params,
            policy=self.behaviour(learner),
            to_env=self.network.head.to_env,
            length=config.rollout_length,
            axes=axes,
        )
        history = self.histories(axes.key(history_key))
        params, opt_state, fit_metrics = fit(
            learner.params,
            learner.opt_state,
            Minibatch(self.initial_carry(axes.count(config.num_envs)), (), history),
            fit_key,
            loss=partial(loss, agent=self),
            optimizer=self.optimizer,
            config=config,
            axes=axes,
        )
        metrics = rollout_metrics(rollout)
        del metrics["rollout/value"]  # of a critic that learns nothing
        late = history.reward[-max(config.rollout_length // 10, 1) :]
        metrics["source/reward"] = history.reward.mean()
        metrics["source/late_reward"] = late.mean()  # of a record's last tenth
        updates = learner.num_updates + 1
        learner = Learner(params, opt_state, situation, key, updates)
        return learner, axes.metrics({**metrics, **fit_metrics})


def make_distill(
    config: DistillConfig,
    *,
    env: Any,
    env_params: Any,
    core: Any,
    num_updates: int,
    axes: Axes = ALONE,
    stored: Stored | None = None,
) -> Distill:
    """Assembles the agent.

    Args:
      config: hyper-parameters.
      env: a meta-environment (`envs.meta.wrapper`), with its `env_params`; its states
        have a table (`envs.contract.tabular`) where histories are not stored.
      core: memory, such as `s5rl.make_core("s5", features=64)`.
      num_updates: length of training, which learning-rate annealing needs to know.
      axes: see `agents.acting.agent.Agent`.
      stored: the histories that `config` names, opened; to act, they are not needed.

    Raises:
      ValueError: if the environment has no trials, or no table of states for a source,
        actions are of a kind without a distribution, or `num_updates` are too many
        (`RolloutConfig.check_updates`).
    """
    config.check_updates(num_updates)
    trials = env.num_trials if hasattr(env, "again") else 0
    if trials < 2:
        name = name_of(env)
        raise ValueError(
            "agent=distill learns how a learner improves over the trials of a hidden "
            f"task, and needs num_trials of at least 2; {name} has {trials or 'none'}."
        )
    space = env.action_space(env_params)
    head = make_head(space, actions="bins", parts=config.num_bins)
    if stored is not None:
        _check_fits(stored, env.observation_space(env_params), space)
    recorder = None
    if config.histories is None:
        recorder = _recorder(config, env, env_params)
    network = ActorCritic(
        core=core,
        head=head,
        observation_space=env.observation_space(env_params),
        encoder_sizes=tuple(config.encoder_sizes),
        head_sizes=tuple(config.head_sizes),
        never_reset=config.memory == "never_reset",
        # A core from elsewhere may have none.
        chunk_length=getattr(core, "chunk_length", None),
        dtype=config.dtype,
    )
    parts = (config, env, env_params, network, axes, num_updates)
    return Distill(*parts, recorder=recorder, stored=stored)


def _check_fits(stored: Stored, seen: Any, done: Any) -> None:
    for name, field, space in (
        ("observations", "obs", seen),
        ("actions", "action", done),
    ):
        shape = stored.shapes[field][0]
        if tuple(shape) != tuple(space.shape):
            raise ValueError(
                f"histories must have {name} of shape {tuple(space.shape)}, as the "
                f"environment has; got {tuple(shape)}."
            )


def _recorder(config: DistillConfig, env: Any, env_params: Any) -> Recorder:
    rows, space = table(env), env.action_space(env_params)
    if rows is None or not isinstance(space, spaces.Discrete):
        raise ValueError(
            "agent=distill makes its histories with a table of states, and "
            f"{name_of(env)} has none: say with agent.histories=DIR where some are "
            "stored."
        )
    every, share = config.source_every, config.source_epsilon_share
    return Recorder(
        env=env,
        env_params=env_params,
        source=make_source(config, rows, int(space.n)),
        table=rows,
        epsilon=falling(env.num_trials, every, share),
        every=every,
    )
