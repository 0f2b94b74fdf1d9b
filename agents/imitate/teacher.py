"""Who is asked at every step of a rollout, who plays it, and what is told of it."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.rollout import Metrics, Rollout, rollout_metrics
from agents.acting.situation import Outcome, Situation
from agents.imitate import turns
from agents.imitate.answers import Answer, Answers
from agents.imitate.turns import Turn


class Note(NamedTuple):
    """What was noted of a step, [B, ...]."""

    answer: Answer  # from the state before it
    turn: Turn
    drawn: Array  # [B] whether what the learner drew is the expert's answer
    likeliest: Array  # [B] likewise, what it would most likely draw


@dataclass(frozen=True)
class Teacher:
    """The expert beside a rollout: answers at every step, and plays some."""

    answers: Answers
    env_params: Any
    share: float
    joins: float = 0.0

    def before(
        self, state: Turn, now: Situation, distribution: Any, action: Array, key: Array
    ) -> tuple[Turn, Array, Note]:
        """Who plays, what the expert says, and what is played."""
        turn_key, draw_key = jax.random.split(key)
        turn = turns.decided(state, now.reset, turn_key, self.share, self.joins)
        # Of the state before the step: an automatic reset draws another task.
        answer = self.answers.ask(now.env_state, self.env_params)
        note = Note(
            answer,
            turn,
            self.answers.agrees(action, answer.action),
            self.answers.agrees(distribution.mode()[0], answer.action),
        )
        plays = (turn.expert & answer.known).reshape(-1, *(1,) * (action.ndim - 1))
        drawn = self.answers.draw(answer.action, draw_key)
        return turn, jnp.where(plays, drawn, action), note

    def after(self, state: Turn, outcome: Outcome) -> Turn:
        """Where a trial ended."""
        return turns.ended(state, outcome.info)


def lesson_metrics(rollout: Rollout, note: Note, axes: Axes = ALONE) -> Metrics:
    """What was collected, in scalars; episodes are those that the learner played alone.

    Agreement is of the learner's own steps that have an answer.
    """
    own = ~note.turn.expert
    asked = note.answer.weight * own
    labelled = asked.sum()
    return {
        **rollout_metrics(rollout, own=~note.turn.shared),
        "rollout/learner_reward": axes.share(
            jnp.where(own, rollout.reward, 0).sum(), own.sum()
        ),
        "rollout/expert_steps": note.turn.expert.mean(),
        "rollout/labelled": note.answer.weight.mean(),
        "rollout/agreement": axes.share((asked * note.drawn).sum(), labelled),
        "rollout/mode_agreement": axes.share((asked * note.likeliest).sum(), labelled),
    }
