"""What recurrences of matrices share: time in chunks, and what decays between steps.

Within a chunk all steps meet in products of matrices; between chunks one state is
passed on. Masks are applied to exponents, never to results, and what is not finite is
taken out before the products and marked lost after them (`s5rl.recurrence.segments`).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.segments import finite, lost, numbers
from s5rl.recurrence.varying import vary_alike

# A step that decays by more leaves nothing that float32 could tell from nothing; left
# unbounded it would take the digits of all later steps, in sums over a chunk.
LEAST_LOG_DECAY = -30.0


class Decays(NamedTuple):
    """What is left of what, inside one chunk of c steps; zero across a reset."""

    between: Array  # [B, h, c, c] of step s's input at step t
    entering: Array  # [B, h, c] of the state that entered the chunk
    opening: Array  # [B, h, c] of the state that opened t's segment inside the chunk


def decays(log_decay: Array, reset: Array) -> Decays:
    """The weights of one chunk.

    Args:
      log_decay: [c, B, h], at most zero.
      reset: [c, B] bool.
    """
    number, time = numbers(reset), jnp.arange(len(reset))
    together = number[:, None] == number[None]
    seen = (together & (time[:, None] >= time[None])[..., None])[..., None]
    # Since the segment began: a sum over the whole chunk would round what comes after
    # a reset by what came before it.
    total = jnp.sum(jnp.where(seen, log_decay[None], 0), axis=1)
    between = jnp.exp(jnp.where(seen, total[:, None] - total[None], -jnp.inf))
    is_first = (number == 0)[..., None]
    entering = jnp.exp(jnp.where(is_first, total, -jnp.inf))
    opening = jnp.exp(jnp.where(is_first, -jnp.inf, total))
    return Decays(
        between.transpose(2, 3, 0, 1),
        entering.transpose(1, 2, 0),
        opening.transpose(1, 2, 0),
    )


def in_chunks(
    step: Callable[..., tuple[Array, Array]],
    carry: Array,
    inputs: tuple[Array, ...],
    reset: Array,
    chunk: int,
) -> tuple[Array, Array]:
    """Runs `step(carry, inputs, reset)` over chunks of time; NaN stays where it is.

    Args:
      step: maps a state and [c, B, ...] to a state and [c, B, ...]. Steps whose inputs
        are all zero must leave the state as it is.
      carry: [B, ...], float32.
      inputs: arrays [T, B, ...]; the first is the query, which is read and not kept.
      reset: [T, B] bool.
      chunk: c; T need not be a multiple.
    """
    kept = finite(*inputs[1:])
    inputs = (_whole(inputs[0]), *(_where(kept, array) for array in inputs[1:]))
    before = finite(carry, leading=1)
    length, size = len(reset), min(chunk, len(reset))
    count = -(-length // size)

    def divided(array: Array) -> Array:
        rest = [(0, count * size - length)] + [(0, 0)] * (array.ndim - 1)
        return jnp.pad(array, rest).reshape(count, size, *array.shape[1:])

    chunks = tuple(divided(array) for array in inputs), divided(reset)
    state, y = _scan(step, _where(before, carry), chunks)
    y = y.reshape(count * size, *y.shape[2:])[:length]
    gone = lost(~kept, reset, ~before)
    state = jnp.where(_like(gone[-1], state), jnp.nan, state)
    return state, jnp.where(_like(gone, y), jnp.nan, y)


def _scan(step, carry: Array, chunks):
    inputs, reset = chunks
    if len(reset) == 1:
        carry, y = step(carry, tuple(array[0] for array in inputs), reset[0])
        return carry, y[None]
    # What varies over devices in the loop must vary before it (`jax.shard_map`).
    carry, _ = vary_alike(carry, reset)
    return jax.lax.scan(lambda s, now: step(s, *now), carry, (inputs, reset))


def _like(flag: Array, array: Array) -> Array:
    return flag.reshape(*flag.shape, *(1,) * (array.ndim - flag.ndim))


def _where(kept: Array, array: Array) -> Array:
    return jnp.where(_like(kept, array), array, 0)


def _whole(query: Array) -> Array:
    # A lost query reads nothing, and must not be read backwards.
    return jnp.where(jnp.isfinite(query), query, 0)
