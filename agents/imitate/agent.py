"""Imitation on the learner's own states. Top-down: `Imitate.update`, what it calls."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting.agent import Agent
from agents.acting.axes import ALONE, Axes
from agents.acting.boxes import LEAST_SCALE
from agents.acting.distributions import make_head
from agents.acting.fit import Minibatch, fit
from agents.acting.foresight import Replayed, foretold, replayed
from agents.acting.player import Learner
from agents.acting.policy import LOG_SCALE, ActorCritic, always_told
from agents.acting.returns import gae
from agents.acting.rollout import Metrics, Rollout, collect_guided
from agents.acting.situation import Policy
from agents.imitate import turns
from agents.imitate.answers import answers
from agents.imitate.config import ImitateConfig
from agents.imitate.objective import Lesson, loss
from agents.imitate.teacher import Teacher, lesson_metrics
from agents.imitate.turns import Turn
from envs.contract import expert
from envs.contract.wrappers import name_of


@dataclass(frozen=True)
class Imitate(Agent):
    """Predicts what an expert that knows the task would do, from what it has seen.

    The learner plays, the expert answers in every state that it comes to, and memory is
    all there is to answer from. Where one task in three would be answered so, so is one
    action in three drawn: what comes out is Thompson sampling.

    It draws anew at every step, so that it does not finish what it began: its own
    actions tell it nothing. Where the expert plays a trial (`expert_share`) actions do:
    they are the expert's. A bit tells the actor that this is such a trial, and acting
    always sets it, so that the learner goes on with a trial as the expert would that
    had begun it so. The bit goes to the actor alone. A memory that knew whose trial it
    is would not read its own trial's actions as evidence once it plays them itself; it
    sees what was really played, as every memory does, and not who played.

    An expert that plays from a trial's start never goes where nothing is to be found,
    so how to go on from there is not taught. Where it joins inside a trial
    (`expert_joins`) it is: actions are evidence from a step on that the actor infers.

    Its `config` is an `ImitateConfig`. The learner's `extra` is a `Turn`.
    """

    answers: Any = None  # an `Answers`; None: it acts, and cannot learn

    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """Adam."""
        return optax.adam(rate, eps=1e-5)

    def policy(self, params: Any, bit: Array | bool) -> Policy:
        """`(carry, obs, reset) -> (carry, distribution, value)` over [T, B].

        `bit` is what the actor is told: [T, B] bool, or the same in every step.
        """
        apply: Any = self.network.apply

        def policy(carry, obs, reset):
            if not self.config.expert_plays:
                return apply(params, carry, obs, reset)
            told = jnp.broadcast_to(jnp.asarray(bit), reset.shape)
            return apply(params, carry, obs, reset, told)

        return policy

    def replayed(self, params: Any, batch: Minibatch) -> Replayed:
        """A minibatch read anew, whose `extra` is a `Lesson`."""
        told = batch.extra.expert if self.config.expert_plays else None
        weight = self.config.foresight_weight
        return replayed(self.network, params, batch, weight, told, self.axes)

    def behaviour(self, learner: Learner) -> Policy:
        """As the expert would go on."""
        return self.policy(learner.params, True)

    def acting_params(self, params: Any) -> Any:
        """Without the bit, which acting has set, and the least spread."""
        params = always_told(self.lasting(params))
        inner = params["params"]
        head: Any = self.network.head
        if not head.has_scale:
            return params
        scale = jnp.maximum(inner[LOG_SCALE], head.least_log_scale)
        return {**params, "params": {**inner, LOG_SCALE: scale}}

    def extra(self, params: Any) -> Turn:
        """Who plays."""
        return turns.first(self.axes.count(self.config.num_envs))

    @property
    def extra_lanes(self) -> bool:
        """Each lane has its own turn."""
        return True

    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout, with answers, and fits them for a few epochs."""
        config, axes = self.config, self.axes
        if self.answers is None:
            name = name_of(self.env)
            raise ValueError(f"update needs an expert, and {name} has none.")
        key, rollout_key, fit_key = jax.random.split(learner.key, 3)
        initial_carry = learner.situation.carry
        chances = config.expert_share, config.expert_joins
        situation, turn, rollout, note = collect_guided(
            learner.situation,
            learner.extra,
            axes.key(rollout_key),
            env=self.env,
            env_params=self.env_params,
            policy=self.behaviour(learner),
            to_env=self.network.head.to_env,
            length=config.rollout_length,
            axes=axes,
            guide=Teacher(self.answers, self.env_params, *chances),
        )
        turns_of = note.turn.expert
        lesson = Lesson(note.answer, turns_of, targets(rollout, turns_of, config))
        params, opt_state, fit_metrics = fit(
            learner.params,
            learner.opt_state,
            Minibatch(initial_carry, rollout, lesson),
            fit_key,
            loss=partial(loss, agent=self),
            optimizer=self.optimizer,
            config=config,
            axes=axes,
        )
        metrics = lesson_metrics(rollout, note, axes)
        updates = learner.num_updates + 1
        learner = Learner(params, opt_state, situation, key, updates, turn)
        return learner, axes.metrics({**metrics, **fit_metrics})


def targets(rollout: Rollout, expert: Array, config: ImitateConfig) -> Array:
    """[T, B] lambda-returns of the learner's own play.

    Where the expert takes over or gives back, what follows is not the learner's: the
    return trusts the value there, as at a time limit.
    """
    last = jnp.zeros_like(expert[:1])
    changes = jnp.concatenate([expert[1:] != expert[:-1], last])
    advantage = gae(
        reward=rollout.reward,
        value=rollout.value,
        next_value=rollout.next_value,
        terminated=rollout.terminated,
        truncated=rollout.truncated | changes,
        discount=config.discount * rollout.continuation,
        lambda_=config.gae_lambda,
    )
    return advantage + rollout.value


def make_imitate(
    config: ImitateConfig,
    *,
    env: Any,
    env_params: Any,
    core: Any,
    num_updates: int,
    axes: Axes = ALONE,
) -> Imitate:
    """Assembles the agent.

    Args:
      config: hyper-parameters.
      env: in the gymnax 1.x contract, with its `env_params`, and with an expert
        (`envs.contract.expert`).
      core: memory, such as `s5rl.make_core("s5", features=64)`.
      num_updates: length of training, which learning-rate annealing needs to know.
      axes: see `agents.acting.agent.Agent`.

    Raises:
      ValueError: if the environment has no expert, the action space is of a kind
        without a distribution, or `num_updates` are too many
        (`RolloutConfig.check_updates`).
    """
    config.check_updates(num_updates)
    seen, space = env.observation_space(env_params), env.action_space(env_params)
    head = make_head(
        space,
        actions=config.actions,
        parts=config.num_bins if config.actions == "bins" else config.num_components,
        least_scale=LEAST_SCALE,
    )
    network = ActorCritic(
        core=core,
        head=head,
        observation_space=seen,
        encoder_sizes=tuple(config.encoder_sizes),
        head_sizes=tuple(config.head_sizes),
        never_reset=config.memory == "never_reset",
        told=config.expert_plays,
        foretold=foretold(config.foresight_weight, seen, space),
        detached_critic=config.detached_critic,
        # A core from elsewhere may have none.
        chunk_length=getattr(core, "chunk_length", None),
        dtype=config.dtype,
    )
    away = config.experts is not None and expert.expert(env) is None
    told = None if away else answers(env, head, space)
    return Imitate(config, env, env_params, network, axes, num_updates, told)
