"""Advantage estimators: pure functions of [T, B] arrays. No networks, no config."""

import chex
import jax
import jax.numpy as jnp
from jax import Array


def gae(
    *,
    reward: Array,
    value: Array,
    next_value: Array,
    terminated: Array,
    truncated: Array,
    discount: float | Array,
    lambda_: float,
) -> Array:
    """Generalised advantage estimation (Schulman et al., 2016, equation 16).

        delta[t] = reward[t] + discount[t] * next_value[t] - value[t]
        advantage[t] = delta[t] + discount[t] * lambda_ * advantage[t+1]

    Every array is [T, B], and each boundary is cut where it stands: `next_value` counts
    as zero where `terminated`, and no advantage flows back over either boundary.

    Args:
      reward: what action t earned.
      value: of the observation that action t was chosen on.
      next_value: of what action t led to, before any automatic reset.
      terminated: bool, nothing follows.
      truncated: bool, the clock cut what would have followed: `next_value` counts.
      discount: per step, in [0, 1]; one for all, or [T, B].
      lambda_: larger trusts `next_value` less and rewards more.

    Returns:
      [T, B] advantages. `advantage + value` is the target for the value function, whose
      gradient the caller stops.
    """
    chex.assert_rank(reward, 2)
    chex.assert_equal_shape([reward, value, next_value, terminated, truncated])
    chex.assert_type([terminated, truncated], bool)

    delta = reward + discount * jnp.where(terminated, 0.0, next_value) - value
    decay = jnp.where(terminated | truncated, 0.0, discount * lambda_)

    def step(later, now):
        delta, decay = now
        advantage = delta + decay * later
        return advantage, advantage

    start = jnp.zeros_like(delta[0])
    return jax.lax.scan(step, start, (delta, decay), reverse=True)[1]
