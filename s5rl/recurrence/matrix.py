"""Linear recurrences of matrices with one decay a head: linear attention's state."""

from functools import partial

import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.chunks import LEAST_LOG_DECAY, decays, in_chunks

PRODUCT = partial(jnp.einsum, precision="highest")


def matrix_recurrence(
    q: Array,
    k: Array,
    v: Array,
    log_decay: Array,
    reset: Array,
    carry: Array,
    *,
    initial: Array | None = None,
    chunk: int = 64,
) -> tuple[Array, Array]:
    """S[t] = exp(log_decay[t]) S[t-1] + k[t] v[t]^T,  y[t] = S[t]^T q[t].

    Where reset[t], S[t-1] is zero, or `initial`. In chunks, as products of matrices
    (Dao & Gu, 2024, section 6; Yang et al., 2023): O(c) work a step and head beside
    that of the state, and T / c steps one after another. One step alone makes none.

    Args:
      q: [T, B, h, d_k] what is asked. A query that is not finite is lost alone.
      k: [T, B, h, d_k] where it is written.
      v: [T, B, h, d_v] what.
      log_decay: [T, B, h], at most zero; below -30, minus infinity too, it is -30.
      reset: [T, B] bool.
      carry: [B, h, d_k, d_v] float32.
      initial: [h, d_k, d_v] that opens every segment.
      chunk: c, steps that are taken together.

    Returns:
      `(carry, y)`: S[T-1], and y [T, B, h, d_v] float32.
    """
    log_decay = jnp.maximum(log_decay, LEAST_LOG_DECAY)
    given = tuple(array.astype(jnp.float32) for array in (q, k, v, log_decay))
    opening = jnp.zeros(carry.shape[1:], jnp.float32) if initial is None else initial
    if len(reset) == 1:
        q, k, v, log_decay = (array[0] for array in given)
        state = jnp.where(reset[0][:, None, None, None], opening[None], carry)
        state = jnp.exp(log_decay)[..., None, None] * state
        state = state + k[..., :, None] * v[..., None, :]
        return state, asked_of(state, q)[None]
    carry, y = in_chunks(partial(_chunk, initial), carry, given, reset, chunk)
    asked = jnp.isfinite(given[0]).all(axis=-1, keepdims=True)
    return carry, jnp.where(asked, y, jnp.nan)


def asked_of(state: Array, q: Array) -> Array:
    """[B, h, d_v] what states [B, h, d_k, d_v] answer to q [B, h, d_k], of one step.

    A sum, and no product of matrices: it is fused with what makes the states.
    """
    return jnp.sum(q[..., None] * state, axis=-2)


def _chunk(initial: Array | None, state: Array, inputs, reset: Array):
    q, k, v, log_decay = inputs
    q, k, v = (array.transpose(1, 2, 0, 3) for array in (q, k, v))  # [B, h, c, d]
    weight = decays(log_decay, reset)
    scores = PRODUCT("bhtk,bhsk->bhts", q, k) * weight.between
    y = PRODUCT("bhts,bhsv->bhtv", scores, v)
    y = y + weight.entering[..., None] * PRODUCT("bhtk,bhkv->bhtv", q, state)
    left = k * weight.between[:, :, -1, :, None]
    after = PRODUCT("bhsk,bhsv->bhkv", left, v)
    after = after + weight.entering[:, :, -1, None, None] * state
    if initial is not None:
        opened = PRODUCT("bhtk,hkv->bhtv", q, initial)
        y = y + weight.opening[..., None] * opened
        after = after + weight.opening[:, :, -1, None, None] * initial[None]
    return after, y.transpose(2, 0, 1, 3)
