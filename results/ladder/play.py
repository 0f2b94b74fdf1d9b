"""Acting in many tasks at once, reward by reward."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def rewards(
    trained: Any, env: Any, params: Any, start: tuple[Any, Any], keys: Array, draw: bool
) -> Array:
    """[T, N] of N meta-episodes from their start.

    Args:
      trained: who plays, as `experiment.load` gives it.
      env: with its `params`.
      start: `(obs, state)` of N environments that were reset.
      keys: [T], consumed.
      draw: actions are drawn; else the likeliest are taken.
    """
    obs, state = start
    count = len(obs)

    def step(now: Any, key: Any) -> Any:
        carry, obs, state, reset = now
        how = {"greedy": False, "key": jax.random.fold_in(key, 0)} if draw else {}
        carry, action = trained.act(carry, obs, reset, **how)
        obs, state, reward, terminated, truncated, _ = jax.vmap(
            env.step, (0, 0, 0, None)
        )(jax.random.split(key, count), state, action, params)
        return (carry, obs, state, terminated | truncated), reward

    begun = (trained.initial_carry(count), obs, state, jnp.ones(count, bool))
    return jax.lax.scan(step, begun, keys)[1]
