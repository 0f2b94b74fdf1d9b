"""What the tests of the base environments share: the five of them, and random play."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from envs.meta.bandit import Bandit, BanditTasks
from envs.meta.dark_key_to_door import DarkKeyToDoor, DarkKeyToDoorTasks
from envs.meta.dark_room import DarkRoom, DarkRoomTasks
from envs.meta.random_world import RandomWorld, RandomWorldTasks
from envs.meta.tabular_mdp import TabularMDP, TabularMDPTasks

CASES = {
    "bandit": (Bandit, BanditTasks),
    "tabular_mdp": (TabularMDP, TabularMDPTasks),
    "random_world": (RandomWorld, RandomWorldTasks),
    "dark_room": (DarkRoom, DarkRoomTasks),
    "dark_key_to_door": (DarkKeyToDoor, DarkKeyToDoorTasks),
}


@functools.cache
def draw(tasks, split, count):
    """`count` tasks of a split, stacked."""
    keys = jax.random.split(jax.random.key(0), count)
    return jax.jit(jax.vmap(lambda key: tasks.draw(key, split)))(keys)


def random_returns(env, params, episodes, key):
    """[episodes] returns of uniformly random actions, by playing them."""
    return np.asarray(_random_returns(env, episodes)(key, params))


@functools.cache
def _random_returns(env, episodes):
    """One program for all tasks of an environment."""
    space = env.action_space()

    def one(key, params, steps):
        reset_key, key = jax.random.split(key)
        _, state = env.reset_env(reset_key, params)

        def step(carry, key):
            state, alive = carry
            act_key, step_key = jax.random.split(key)
            action = space.sample(act_key)
            _, state, reward, terminated, _ = env.step_env(
                step_key, state, action, params
            )
            return (state, alive & ~terminated), jnp.where(alive, reward, 0.0)

        keys = jax.random.split(key, steps)
        return jax.lax.scan(step, (state, jnp.array(True)), keys)[1].sum()

    @functools.partial(jax.jit, static_argnames="steps")
    def played(key, params, steps):
        keys = jax.random.split(key, episodes)
        return jax.vmap(lambda key: one(key, params, steps))(keys)

    return lambda key, params: played(key, params, int(params.max_steps_in_episode))


def agrees(sample, expected, sigmas=4.5):
    """Whether the mean of independent draws is within their error of `expected`."""
    error = np.std(sample) / np.sqrt(len(sample))
    return abs(np.mean(sample) - expected) < sigmas * error


def walk(env, params, actions, position=None):
    """Rewards, termination flags and states of a hand-worked episode."""
    _, state = env.reset(jax.random.key(0), params)
    if position is not None:
        state = state.replace(position=jnp.asarray(position, jnp.int32))
    rewards, flags, states = [], [], [state]
    for action in actions:
        action = jnp.asarray(action, jnp.int32)
        _, state, reward, terminated, _ = env.step_env(
            jax.random.key(0), state, action, params
        )
        rewards.append(float(reward))
        flags.append(bool(terminated))
        states.append(state)
    return rewards, flags, states
