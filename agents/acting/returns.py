"""Advantages and returns: pure functions of [T, B] arrays. No networks, no config."""

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


def lambda_returns(
    *,
    reward: Array,
    next_value: Array,
    terminated: Array,
    truncated: Array,
    discount: float | Array,
    lambda_: float,
) -> Array:
    """Returns that trust values by 1 - lambda at every step (Sutton & Barto, 12.18).

        G[t] = reward[t] + discount[t] * ((1 - l[t]) * next_value[t] + l[t] * G[t+1])

    with l[t] = lambda_, but 0 where an episode ends and at the last step: there the
    return is that of one step. `next_value` counts as zero where `terminated`.

    Args:
      reward: [T, B] what action t earned.
      next_value: [T, B] of what action t led to, before any automatic reset. With the
        value of the best action these are Peng's Q(lambda), which are not cut where
        an action was not the best.
      terminated: [T, B] bool, nothing follows.
      truncated: [T, B] bool, the clock cut what would have followed.
      discount: per step, in [0, 1]; one for all, or [T, B].
      lambda_: larger trusts `next_value` less and rewards more.

    Returns:
      [T, B] returns, whose gradient the caller stops.
    """
    chex.assert_rank(reward, 2)
    chex.assert_equal_shape([reward, next_value, terminated, truncated])
    chex.assert_type([terminated, truncated], bool)

    trusted = jnp.where(terminated | truncated, 0.0, jnp.full_like(reward, lambda_))
    trusted = trusted.at[-1].set(0.0)
    # Selected, not multiplied: what follows an end may be anything.
    after = jnp.where(terminated, 0.0, next_value)
    one_step = reward + discount * (1 - trusted) * after
    decay = discount * trusted

    def step(later, now):
        one_step, decay = now
        target = one_step + jnp.where(decay > 0, decay * later, 0.0)
        return target, target

    start = jnp.zeros_like(reward[0])
    return jax.lax.scan(step, start, (one_step, decay), reverse=True)[1]
