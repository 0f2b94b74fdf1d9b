"""The delta rule: what stands at a key is replaced, and not added to."""

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.chunks import LEAST_LOG_DECAY, decays, in_chunks
from s5rl.recurrence.matrix import PRODUCT, asked_of


def delta_recurrence(
    q: Array,
    k: Array,
    v: Array,
    beta: Array,
    log_decay: Array,
    reset: Array,
    carry: Array,
    *,
    initial: Array | None = None,
    chunk: int = 64,
) -> tuple[Array, Array]:
    """S = a S[t-1];  S[t] = S + beta k (v - S^T k)^T;  y[t] = S[t]^T q[t].

    Where reset[t], S[t-1] is zero, or `initial`; a = exp(log_decay[t]). With keys of
    length one and beta = 1, reading k right after gives v. A chunk is a system of unit
    lower triangular equations for what is written (Yang et al., 2024, section 3.2; with
    decay: Yang et al., 2025, section 3.3).

    Args:
      q: [T, B, h, d_k]; lost alone where it is not finite.
      k: [T, B, h, d_k], of length one, or zero.
      v: [T, B, h, d_v].
      beta: [T, B, h], how much of what stood there is replaced; from 0 to 2.
      log_decay: [T, B, h], at most zero; below -30, minus infinity too, it is -30.
      reset: [T, B] bool.
      carry: [B, h, d_k, d_v] float32.
      initial: [h, d_k, d_v] that opens every segment.
      chunk: c, steps that are taken together.

    Returns:
      `(carry, y)`: S[T-1], and y [T, B, h, d_v] float32.
    """
    log_decay = jnp.maximum(log_decay, LEAST_LOG_DECAY)
    given = tuple(array.astype(jnp.float32) for array in (q, k, v, beta, log_decay))
    opening = jnp.zeros(carry.shape[1:], jnp.float32) if initial is None else initial
    if len(reset) == 1:
        q, k, v, beta, log_decay = (array[0] for array in given)
        state = jnp.where(reset[0][:, None, None, None], opening[None], carry)
        state = jnp.exp(log_decay)[..., None, None] * state
        new = beta[..., None] * (v - asked_of(state, k))
        state = state + k[..., :, None] * new[..., None, :]
        return state, asked_of(state, q)[None]
    carry, y = in_chunks(partial(_chunk, initial), carry, given, reset, chunk)
    asked = jnp.isfinite(given[0]).all(axis=-1, keepdims=True)
    return carry, jnp.where(asked, y, jnp.nan)


def _chunk(initial: Array | None, state: Array, inputs, reset: Array):
    q, k, v, beta, log_decay = inputs
    q, k, v = (array.transpose(1, 2, 0, 3) for array in (q, k, v))  # [B, h, c, d]
    beta = beta.transpose(1, 2, 0)[..., None]
    weight = decays(log_decay, reset)

    def standing(at: Array) -> Array:
        """What states from before the chunk, or that open a segment, hold there."""
        held = weight.entering[..., None] * PRODUCT("bhtk,bhkv->bhtv", at, state)
        if initial is None:
            return held
        opened = PRODUCT("bhtk,hkv->bhtv", at, initial)
        return held + weight.opening[..., None] * opened

    mixed = beta * PRODUCT("bhtk,bhsk->bhts", k, k) * weight.between
    new = jax.scipy.linalg.solve_triangular(  # reads what is below the diagonal alone
        mixed, beta * (v - standing(k)), lower=True, unit_diagonal=True
    )
    scores = PRODUCT("bhtk,bhsk->bhts", q, k) * weight.between
    y = standing(q) + PRODUCT("bhts,bhsv->bhtv", scores, new)
    left = k * weight.between[:, :, -1, :, None]
    after = PRODUCT("bhsk,bhsv->bhkv", left, new)
    after = after + weight.entering[:, :, -1, None, None] * state
    if initial is not None:
        after = after + weight.opening[:, :, -1, None, None] * initial[None]
    return after, y.transpose(2, 0, 1, 3)
