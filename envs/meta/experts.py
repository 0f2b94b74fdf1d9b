"""What scores are measured against, on given tasks: chance, the best, and a learner.

    found = references(env, params, tasks, key=key, num_trials=100)
    normalised = (score - found.random) / (found.best - found.random)

`best` knows the task, so no learner reaches it in every trial; `adaptive` is a learner
that knows the law of the training tasks and is told nothing of the one it is in:

    bandit             Thompson sampling, from Beta(1, 1)
    tabular MDP        posterior sampling (PSRL), from the law of the training tasks
    random world       none
    Dark Room          a search without repeats, then the shortest way
    Dark Key-to-Door   none

All but the two samplers are exact; those are exact given what they sampled.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from envs.meta import planning, walks
from envs.meta.bandit import Bandit
from envs.meta.dark_key_to_door import DarkKeyToDoor
from envs.meta.dark_room import DarkRoom
from envs.meta.random_world import RandomWorld
from envs.meta.tabular_mdp import TabularMDP


class References(NamedTuple):
    """Expected return of a trial on each of N tasks."""

    random: Array  # [N], uniformly random actions
    best: Array  # [N], the optimal policy of the task
    adaptive: Array | None  # [N, num_trials], trial by trial; None: there is no such


def references(
    env: Any, params: Any, tasks: dict[str, Array], *, key: Array, num_trials: int
) -> References:
    """The figures of one of the five environments here.

    Args:
      env: the base environment; a trial is one of its episodes.
      params: its params, of which the step limit is read.
      tasks: the fields of the params that a task distribution draws, [N, ...] each.
      key: consumed; what the adaptive expert samples with.
      num_trials: in a meta-episode.

    Raises:
      TypeError: for another environment.
    """
    horizon = int(params.max_steps_in_episode)
    if isinstance(env, Bandit):
        return _bandit(tasks["probs"], horizon, key, num_trials)
    if isinstance(env, TabularMDP):
        return _tabular_mdp(**tasks, horizon=horizon, key=key, num_trials=num_trials)
    if isinstance(env, RandomWorld):
        return _random_world(**tasks, horizon=horizon)
    if isinstance(env, DarkRoom):
        return _dark_room(**tasks, size=env.size, horizon=horizon, trials=num_trials)
    if isinstance(env, DarkKeyToDoor):
        return _key_to_door(**tasks, size=env.size, horizon=horizon)
    raise TypeError(
        "references wants a Bandit, TabularMDP, RandomWorld, DarkRoom or "
        f"DarkKeyToDoor; got {type(env).__name__}."
    )


@partial(jax.jit, static_argnames=("num_pulls",))
def thompson_sampling(key: Array, probs: Array, *, num_pulls: int) -> Array:
    """How well Thompson sampling chooses at each pull, from a Beta(1, 1) prior.

    Args:
      key: consumed.
      probs: [N, K] rates of N bandits.
      num_pulls: T.

    Returns:
      [N, T] float32, the rate of the arm pulled: the expected reward of the pull.
    """

    def pull(counts, key):
        paid, missed = counts
        arm_key, pay_key = jax.random.split(key)
        arm = jax.random.beta(arm_key, 1 + paid, 1 + missed, dtype=jnp.float32).argmax(
            -1
        )
        rate = jnp.take_along_axis(probs, arm[:, None], axis=-1)[:, 0]
        pays = jax.random.bernoulli(pay_key, rate)[:, None]
        pulled = jax.nn.one_hot(arm, probs.shape[-1], dtype=jnp.float32)
        counts = (
            paid + jnp.where(pays, pulled, 0),
            missed + jnp.where(pays, 0, pulled),
        )
        return counts, rate

    nothing = (jnp.zeros_like(probs), jnp.zeros_like(probs))
    return jax.lax.scan(pull, nothing, jax.random.split(key, num_pulls))[1].T


def _bandit(probs, horizon, key, num_trials):
    pulls = thompson_sampling(key, probs, num_pulls=num_trials * horizon)
    by_trial = pulls.reshape(len(probs), num_trials, horizon).sum(-1)
    return References(horizon * probs.mean(-1), horizon * probs.max(-1), by_trial)


def _tabular_mdp(transition, reward_mean, *, horizon, key, num_trials):
    def best(transition, reward_mean):
        return planning.action_values(transition, reward_mean, horizon)[0].max()

    def chance(transition, reward_mean):
        return planning.uniform_value(transition, reward_mean, horizon)[0, 0]

    adaptive = planning.posterior_sampling(
        key, transition, reward_mean, horizon=horizon, num_trials=num_trials
    )
    mdps = (transition, reward_mean)
    return References(jax.vmap(chance)(*mdps), jax.vmap(best)(*mdps), adaptive)


def _random_world(next_state, goal, distance, *, horizon):
    def chance(next_state, goal):
        def step(here, _):
            spread = jnp.broadcast_to(here[:, None], next_state.shape)
            there = jnp.zeros_like(here).at[next_state].add(spread)
            here = there / next_state.shape[1]
            return here, here[goal]

        first = jax.nn.one_hot(0, len(next_state), dtype=jnp.float32)
        return jax.lax.scan(step, first, None, horizon)[1].sum()

    # The first step can pay where the agent stands already.
    needed = jnp.maximum(distance[:, 0], 1)
    best = jnp.maximum(horizon + 1 - needed, 0).astype(jnp.float32)
    return References(jax.vmap(chance)(next_state, goal), best, None)


def _dark_room(goal, start, *, size, horizon, trials):
    room = {"size": size, "horizon": horizon}
    chance = jax.vmap(partial(walks.dark_room_random, **room))(goal, start)
    best = jax.vmap(partial(walks.dark_room_best, **room))(goal, start)
    one_start = np.unique(np.asarray(start), axis=0)
    if len(one_start) != 1 or (one_start < 0).any():
        return References(chance, best, None)

    def search(goal):
        return walks.dark_room_search(goal, one_start[0], **room, num_trials=trials)

    return References(chance, best, jax.vmap(search)(goal))


def _key_to_door(key, door, start, *, size, horizon):
    room = {"size": size, "horizon": horizon}
    chance = jax.vmap(partial(walks.key_to_door_random, **room))(key, door, start)
    best = jax.vmap(partial(walks.key_to_door_best, **room))(key, door, start)
    return References(chance, best, None)
