"""Playing whole episodes without learning from them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.rollout import Policy, Situation, begin


class Episodes(NamedTuple):
    """One episode of each of N environments."""

    episode_return: Array  # [N] undiscounted
    length: Array  # [N] steps


def play(
    policy: Policy,
    carry: Any,
    key: Array,
    *,
    num_episodes: int,
    env: Any,
    env_params: Any,
    to_env: Callable[[Array], Array],
    greedy: bool,
) -> Episodes:
    """Plays one episode, from its reset to its end, in each of N environments.

    One each, however long they take: the first N episodes to end would be the short
    ones.

    Args:
      policy: `(carry, obs, reset) -> (carry, distribution, value)` over [T, N].
      carry: [N, ...] memory that has read nothing.
      key: consumed.
      num_episodes: N.
      env: in the gymnax 1.x contract, with its `env_params`.
      to_env: what the environment gets for an action of the distribution.
      greedy: take the mode of the distribution instead of a sample.
    """
    begin_key, play_key = jax.random.split(key)
    situation = begin(env, env_params, carry, begin_key, num_episodes)

    def unfinished(state):
        return ~state[1].all()

    def step(state):
        now, finished, key = state
        key, action_key, env_key = jax.random.split(key, 3)
        obs = jax.tree.map(lambda x: x[None], now.obs)
        carry, distribution, _ = policy(now.carry, obs, now.reset[None])
        action = distribution.mode() if greedy else distribution.sample(action_key)
        obs, env_state, reward, terminated, truncated, _ = jax.vmap(
            env.step, in_axes=(0, 0, 0, None)
        )(
            jax.random.split(env_key, num_episodes),
            now.env_state,
            to_env(action[0]),
            env_params,
        )
        ended = terminated | truncated
        now = Situation(
            env_state=env_state,
            obs=obs,
            reset=ended,
            carry=carry,
            episode_return=now.episode_return + jnp.where(finished, 0, reward),
            episode_length=now.episode_length + ~finished,
        )
        return now, finished | ended, key

    finished = jnp.zeros(num_episodes, bool)
    now, _, _ = jax.lax.while_loop(unfinished, step, (situation, finished, play_key))
    return Episodes(now.episode_return, now.episode_length)
