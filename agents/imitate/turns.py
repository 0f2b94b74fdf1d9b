"""Who plays, the learner or the expert. Decided here, and nowhere else."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Turn(NamedTuple):
    """Of B lanes."""

    expert: Array  # [B] bool, the expert plays to the end of this trial
    shared: Array  # [B] bool, it plays or has played in this meta-episode
    fresh: Array  # [B] bool, the next step opens a trial


def first(num_lanes: int) -> Turn:
    """Before the first step: nobody has played."""
    nobody = jnp.zeros(num_lanes, bool)
    return Turn(nobody, nobody, ~nobody)


def decided(
    turn: Turn, reset: Array, key: Array, share: float, joins: float = 0.0
) -> Turn:
    """Whose step the next one is.

    The expert takes a trial with the chance `share` where it opens, and what is left of
    it with the chance `joins` at every later step, as long as it has taken none of the
    meta-episode. One at most: the actor of its trial then knows that all trials before
    were the learner's, whose actions are no evidence of the task.

    Args:
      turn: as `ended` left it.
      reset: [B] bool, the step opens a meta-episode.
      key: consumed.
      share: a chance, of a whole trial.
      joins: likewise, of the rest of one.
    """
    opens = turn.fresh | reset
    shared = turn.shared & ~reset
    chance = jnp.where(opens, share, joins)
    takes = ~shared & jax.random.bernoulli(key, chance)
    return Turn(takes | (turn.expert & ~opens), shared | takes, jnp.zeros_like(opens))


def ended(turn: Turn, info: Any) -> Turn:
    """After a step: where it ended a trial (`info` as `envs.meta.wrapper` gives it).

    Without trials, each episode is one, and the next reset says so.
    """
    return turn._replace(fresh=info.get("trial_ended", jnp.zeros_like(turn.fresh)))
