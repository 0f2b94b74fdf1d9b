"""Playing whole episodes without learning from them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.situation import Policy, advance, begin, decide


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
        now, finished, episodes, key = state
        key, action_key, env_key = jax.random.split(key, 3)
        carry, action = decide(policy, now, action_key, greedy=greedy)
        now, outcome = advance(
            *(now, carry, action, env_key),
            env=env,
            env_params=env_params,
            to_env=to_env,
        )
        reached = Episodes(outcome.episode_return, outcome.episode_length)
        episodes = jax.tree.map(
            lambda kept, new: jnp.where(finished, kept, new), episodes, reached
        )
        return now, finished | now.reset, episodes, key

    finished = jnp.zeros(num_episodes, bool)
    episodes = Episodes(situation.episode_return, situation.episode_length)
    state = (situation, finished, episodes, play_key)
    return jax.lax.while_loop(unfinished, step, state)[2]
