"""Where environments stand and what a step leads to: the only place that steps them.

What is played is chosen elsewhere; that an end of an episode opens a segment is decided
here, in `advance`, and nowhere else.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes

Policy = Callable[[Any, Any, Array], tuple[Any, Any, Array]]


class Situation(NamedTuple):
    """Where B environments stand, and what is remembered of them."""

    env_state: Any  # [B, ...]
    obs: Any  # [B, ...]
    reset: Array  # [B] bool, `obs` opens a segment
    carry: Any  # [B, ...] memory before `obs` is read
    episode_return: Array  # [B] so far, undiscounted
    episode_length: Array  # [B] so far


class Outcome(NamedTuple):
    """What one step of B environments led to."""

    reward: Array  # [B]
    terminated: Array  # [B] bool
    truncated: Array  # [B] bool
    continuation: Array  # [B] `info["continuation"]`, 1 where there is none
    final_obs: Any  # [B, ...] before any automatic reset
    info: Any  # of the environment
    episode_return: Array  # [B] this step included
    episode_length: Array  # [B] this step included


def begin(
    env: Any,
    env_params: Any,
    carry: Any,
    key: Array,
    num_envs: int,
    axes: Axes = ALONE,
) -> Situation:
    """Resets B environments; of them a block's own. `key` is consumed."""
    keys = axes.own(jax.random.split(key, num_envs))
    num_envs = len(keys)
    obs, env_state = jax.vmap(env.reset, in_axes=(0, None))(keys, env_params)
    return Situation(
        env_state=env_state,
        obs=obs,
        reset=jnp.ones(num_envs, bool),
        carry=carry,
        episode_return=jnp.zeros(num_envs, jnp.float32),
        episode_length=jnp.zeros(num_envs, jnp.int32),
    )


def advance(
    now: Situation,
    carry: Any,
    action: Array,
    key: Array,
    *,
    env: Any,
    env_params: Any,
    to_env: Callable[[Array], Array],
) -> tuple[Situation, Outcome]:
    """Takes one step in each of B environments, and decides what it bounds.

    Args:
      now: where they stand.
      carry: memory after `now.obs` was read.
      action: [B, ...] as the policy's distribution counts it.
      key: consumed.
      env: in the gymnax 1.x contract, with its `env_params`.
      to_env: what the environment gets for an action of the distribution.
    """
    step = jax.vmap(env.step, in_axes=(0, 0, 0, None))
    keys = jax.random.split(key, len(now.reset))
    obs, env_state, reward, terminated, truncated, info = step(
        keys, now.env_state, to_env(action), env_params
    )
    reward = reward.astype(jnp.float32)
    # The one place where a boundary is decided: any end of an episode opens a segment.
    ended = terminated | truncated
    outcome = Outcome(
        reward=reward,
        terminated=terminated,
        truncated=truncated,
        continuation=jnp.asarray(
            info.get("continuation", jnp.ones_like(reward)), jnp.float32
        ),
        final_obs=info["final_observation"],
        info=info,
        episode_return=now.episode_return + reward,
        episode_length=now.episode_length + 1,
    )
    situation = Situation(
        env_state=env_state,
        obs=obs,
        reset=ended,
        carry=carry,
        episode_return=jnp.where(ended, 0, outcome.episode_return),
        episode_length=jnp.where(ended, 0, outcome.episode_length),
    )
    return situation, outcome


def read(policy: Policy, carry: Any, obs: Any, reset: Array) -> tuple[Any, Any, Array]:
    """The policy at T = 1: `(carry, distribution over [1, B], value [B])`."""
    now = jax.tree.map(lambda x: x[None], obs)
    carry, distribution, value = policy(carry, now, reset[None])
    return carry, distribution, value[0]


def decide(
    policy: Policy, now: Situation, key: Array, *, greedy: bool
) -> tuple[Any, Array]:
    """`(carry, action [B])`: memory after `now.obs` was read, and what is done.

    Args:
      policy: as in `collect`.
      now: where environments stand.
      key: of the draw; it may serve another.
      greedy: take the mode of the distribution instead of a sample.
    """
    carry, distribution, _ = read(policy, now.carry, now.obs, now.reset)
    action = distribution.mode() if greedy else distribution.sample(key)
    return carry, action[0]
