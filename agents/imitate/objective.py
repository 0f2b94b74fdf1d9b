"""What imitation minimises: cross entropy to the expert's answers, and value error."""

from typing import Any, NamedTuple, Protocol

import jax.numpy as jnp
from jax import Array

from agents.acting.axes import Axes
from agents.acting.fit import Minibatch
from agents.acting.foresight import Replayed
from agents.acting.rollout import Metrics
from agents.imitate.answers import Answer, Answers
from agents.imitate.config import ImitateConfig


class Lesson(NamedTuple):
    """What there is to learn from a rollout, [T, B, ...]."""

    answer: Answer  # before each step, whoever took it
    expert: Array  # [T, B] bool, the expert took it
    target: Array  # [T, B] of values


class Imitator(Protocol):
    """What the objective needs of an agent."""

    @property
    def config(self) -> ImitateConfig: ...
    @property
    def axes(self) -> Axes: ...
    @property
    def answers(self) -> Answers: ...
    def replayed(self, params: Any, batch: Minibatch) -> Replayed: ...


def loss(
    params: Any, batch: Minibatch, key: Array, agent: Imitator
) -> tuple[Array, Metrics]:
    """Mean cross entropy over steps with an answer, and the value error beside it.

        L = - sum w[t] sum_a p*[t, a] log pi[t, a] / sum w[t]

    The actor is told, at every step, whether the expert took it; values are learned
    where the learner did. `batch.extra` is a `Lesson`. There is nothing to draw with
    `key`.
    """
    rollout, lesson = batch.rollout, batch.extra
    distribution, value, foresight, foretold = agent.replayed(params, batch)
    weight = lesson.answer.weight
    # Selected, not multiplied: a cost that is infinite where nothing is asked.
    cost = jnp.where(
        weight > 0, agent.answers.cost(distribution, lesson.answer.action), 0
    )
    imitation = agent.axes.share(cost.sum(), weight.sum())
    own = ~lesson.expert
    error = jnp.where(own, jnp.square(value - lesson.target), 0)
    value_loss = agent.axes.share(error.sum(), own.sum()) / 2
    total = imitation + agent.config.value_weight * value_loss + foresight
    return total, {
        **foretold,
        "loss/imitation": imitation,
        "loss/value": value_loss,
        "diagnostics/value_error": jnp.abs(value - rollout.value).max(),
    }
