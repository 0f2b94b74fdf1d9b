"""Episodes that learners play to be looked into, and their memory step by step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

STEPS = 64  # of an episode that are looked at, about; the others lie between them


class Played(NamedTuple):
    """The first episode of each of N environments; what follows is not looked at."""

    recording: Any  # as `agents.acting.recall` has it, of T steps
    inside: np.ndarray  # [T, N] bool, whether a step is of the first episode
    cut: int  # how many of the N episodes had not ended when recording did
    stride: int  # every so many steps memory is looked at


def first_episodes(recording: Any) -> Played:
    """Cuts what was recorded to the longest of the first episodes."""
    reset = np.asarray(recording.reset)
    inside = np.cumsum(reset, axis=0) <= reset[:1]
    length = int(inside.any(1).sum())
    cut = int(inside[-1].sum()) if length == len(reset) else 0

    def to_length(x):
        return x[:length]

    steps = recording._replace(
        obs=jax.tree.map(to_length, recording.obs),
        reset=recording.reset[:length],
        action=jax.tree.map(to_length, recording.action),
    )
    return Played(steps, inside[:length], cut, -(-length // STEPS))


def looked_at(played: Played) -> np.ndarray:
    """[Q] the steps at which memory is looked at, 0 the first."""
    return np.arange(0, len(played.inside), played.stride)


def walk(
    agent: Any,
    learner: Any,
    recording: Any,
    inside: Array,
    *,
    stride: int,
    see: Callable[[Any, Array], Any],
) -> Any:
    """Reads episodes again, and sees memory at every `stride`-th step.

    Args:
      agent: whose `act` reads.
      learner: of it.
      recording: the episodes, as `Played` has them.
      inside: likewise.
      stride: likewise.
      see: `(carry [N, ...], inside [N] bool) -> what is kept`, of memory after a step
        was read.

    Returns:
      [Q, ...] what was kept, of the steps of `looked_at`.
    """
    turns = -(-len(inside) // stride)
    padding = turns * stride - len(inside)

    def in_turns(x: Any) -> Array:  # [Q, stride, N, ...]
        end = jnp.repeat(x[-1:], padding, axis=0)
        x = jnp.concatenate([x, end])
        return x.reshape(turns, stride, *x.shape[1:])

    def reading(carry, now):
        obs, reset = now
        return agent.act(learner, carry, obs, reset, None, True)[0], None

    def turn(carry, now):
        (obs, reset), inside = now
        first, rest = (
            jax.tree.map(lambda x, part=part: x[part], (obs, reset))
            for part in (0, slice(1, None))
        )
        carry, _ = reading(carry, first)
        seen = see(carry, inside[0])
        return jax.lax.scan(reading, carry, rest)[0], seen

    read = jax.tree.map(in_turns, (recording.obs, recording.reset))
    carry = agent.initial_carry(inside.shape[1])
    return jax.lax.scan(turn, carry, (read, in_turns(inside)))[1]
