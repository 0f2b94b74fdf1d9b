"""Attention to the last steps of one's own segment, with a cache and without a clock.

    y[t] = sum over s of softmax(score[t, s]) v[s],   t - W < s <= t, s in t's segment

A cache holds the W - 1 rows before a call, oldest first, zeros where there were none,
and how many of them count. Queries are taken in blocks of W, each of which sees two
blocks of keys, so that the cost grows with T W. What is not finite is taken out before
the products, and its segment's queries that could see it are lost after them.
"""

from collections.abc import Callable, Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from s5rl.recurrence.segments import finite, positions

HIDDEN = -1e30  # a score that no softmax sees, and that is still finite


def seen(reset: Array, count: Array, window: int) -> tuple[Array, Array]:
    """How far back each step may look, and the count after the call.

    Args:
      reset: [T, B] bool.
      count: [B] int32, rows of the cache that belong to the open segment.
      window: W, the present step among them.

    Returns:
      reach [T, B] int32, at most W - 1, and the new count [B] int32.
    """
    reach = jnp.minimum(positions(reset, count), window - 1)
    return reach, jnp.minimum(reach[-1] + 1, window - 1)


def extended(cache: Array, rows: Array, count: Array) -> tuple[Array, Array]:
    """(all rows [B, W-1+T, ...], the new cache [B, W-1, ...]); what was dropped is 0.

    Args:
      cache: [B, W-1, ...] float32.
      rows: [T, B, ...].
      count: [B], of rows that count after the call.
    """
    rows = jnp.swapaxes(rows.astype(jnp.float32), 0, 1)
    every = jnp.concatenate([cache, rows], axis=1)
    kept = cache.shape[1]
    age = jnp.arange(kept, 0, -1, dtype=jnp.int32)[None]
    belongs = (age <= count[:, None]).reshape(-1, kept, *(1,) * (rows.ndim - 2))
    return every, jnp.where(belongs, every[:, len(rows[0]) :], 0)


def attend(
    score: Callable[[Array, Array, Array, Array], Array],
    q: Array,
    k: Array,
    v: Array,
    reach: Array,
    opening: Sequence[Array] | None = None,
) -> Array:
    """Attention of every step to those that it reaches.

    Args:
      score: maps q [B, t, h, d], k [B, s, h, d] and when they are, [1, t] or [B, t]
        and [1, s] int32, to [B, h, t, s]. Only differences of times mean anything.
        Finite where q and k are.
      q: [T, B, h, d].
      k, v: [B, W-1+T, h, d], those of the cache before those of the call.
      reach: [T, B] int32 (`seen`).
      opening: keys and values [R, h, d], R < W, that stand before every segment's first
        step, the nearest last, and slide out of the window as others do.

    Returns:
      [T, B, h, d] float32.
    """
    length, batch = reach.shape
    window = k.shape[1] - length + 1
    size = min(window, length)
    blocks = -(-length // size)
    rest = blocks * size - length
    q, reach = (jnp.swapaxes(array, 0, 1) for array in (q, reach))
    asked, known = finite(q), finite(k, v)
    q = jnp.where(asked[..., None, None], q, 0)
    k, v = (jnp.where(known[..., None, None], a, 0) for a in (k, v))

    def stacked(array: Array, more: int) -> Array:
        if blocks == 1:  # as in acting, where gathering it would cost the most
            return array[None]
        pad = [(0, 0), (0, rest)] + [(0, 0)] * (array.ndim - 2)
        starts = np.arange(0, blocks * size, size)[:, None]
        at = starts + np.arange(size + more)[None]
        return jnp.moveaxis(jnp.pad(array, pad)[:, at], 1, 0)

    y = jax.vmap(partial(_block, score, opening))(
        stacked(q, 0),
        stacked(k, window - 1),
        stacked(v, window - 1),
        stacked(known, window - 1),
        stacked(reach, 0),
    )
    y = jnp.moveaxis(y, 1, 2).reshape(blocks * size, batch, *y.shape[3:])[:length]
    return jnp.where(jnp.swapaxes(asked, 0, 1)[..., None, None], y, jnp.nan)


def distances(q_time: Array, k_time: Array, window: int) -> Array:
    """[1 or B, t, s] how far back each key is, what is out of the window clipped."""
    return jnp.clip(q_time[..., None] - k_time[:, None], 0, window - 1)


def _block(score, opening, q, k, v, known, reach):
    """[B, t, h, d], of t queries and t + W - 1 keys, the last of which are theirs."""
    window = k.shape[1] - q.shape[1] + 1
    s = jnp.arange(k.shape[1], dtype=jnp.int32)[None]
    t = s[:, window - 1 :]
    distance = t[..., None] - s[:, None]
    visible = (distance >= 0) & (distance <= reach[..., None])
    logits = jnp.where(visible[:, None], score(q, k, t, s), HIDDEN)
    if opening is not None:
        keys, values = (jnp.broadcast_to(a[None], (len(q), *a.shape)) for a in opening)
        # The last row stands one step before the segment's first one, which is 0.
        s = jnp.arange(-keys.shape[1], 0, dtype=jnp.int32)[None]
        opens = reach[..., None] - s[:, None] < window
        extra = jnp.where(opens[:, None], score(q, keys, reach, s), HIDDEN)
        logits = jnp.concatenate([logits, extra], axis=-1)
        v = jnp.concatenate([v, values], axis=1)
    weights = jax.nn.softmax(logits, axis=-1)
    y = jnp.einsum("bhts,bshd->bthd", weights, v)
    spoilt = (visible & ~known[:, None]).any(axis=-1)
    return jnp.where(spoilt[..., None, None], jnp.nan, y)
