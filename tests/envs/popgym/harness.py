"""Playing our side: from given hidden states, with given actions, draws and physics."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from envs import popgym
from envs.popgym.wrappers import Markovian, Wrapper
from tests.envs.popgym import figures


@functools.cache
def make(name):
    """`popgym.make`, once per name, so that compiled steps are shared between tests."""
    return popgym.make(name)


def families(names=None):
    """The easy name of every family."""
    return [name for name in names or figures.GAMES if name.endswith("_easy")]


@struct.dataclass
class TapedState:
    """A state, and the draws of the steps that follow it."""

    inner: object
    draws: object  # [T, ...]

    @property
    def time(self):
        return self.inner.time


class Taped(Wrapper):
    """Takes the draws of its steps from a tape made at reset, or given."""

    def __init__(self, env, length):
        super().__init__(env)
        self.length = length

    def reset_env(self, key, params):
        key, key_tape = jax.random.split(key)
        obs, inner = self.env.reset_env(key, params)
        keys = jax.random.split(key_tape, self.length)
        draws = jax.vmap(lambda key: self.env.draw(key, inner, params))(keys)
        return obs, TapedState(inner, draws)

    def step_env(self, key, state, action, params):
        env, time = self.env, state.inner.time
        label, inner, reward = env.transition(
            state.inner, action, state.draws[time], params
        )
        ended = env.is_terminated(inner, params)
        return env.encode(label), state.replace(inner=inner), reward, ended, {}

    def is_truncated(self, state, params):
        return self.env.is_truncated(state.inner, params)

    def markov_state(self, state, params):
        return self.env.markov_state(state.inner, params)


@functools.partial(jax.jit, static_argnames="env")
def play(env, params, state, inputs, key):
    """Steps one environment through a tape, auto-resets included.

    Args:
      env: the environment, its states carrying what it needs.
      params: its parameters.
      state: where it starts.
      inputs: action [T], and for teacher forcing `physics` [T, P] with `forced` [T].
      key: consumed.

    Returns:
      A dict of [T, ...]: obs, reward, terminated, truncated, final_obs, markov (what
      the step led to), time (of the state handed on), and the key of each step.
    """
    env = Markovian(env, "info")

    def step(state, now):
        key, given = now
        if "physics" in given:
            state = _force(state, given["physics"], given["forced"])
        obs, state, reward, terminated, truncated, info = env.step(
            key, state, given["action"], params
        )
        return state, {
            "obs": obs,
            "reward": reward,
            "terminated": terminated,
            "truncated": truncated,
            "final_obs": info["final_observation"],
            "markov": info["state"],
            "time": state.time,
        }

    keys = jax.random.split(key, inputs["action"].shape[0])
    state, out = jax.lax.scan(step, state, (keys, inputs))
    return {**out, "key": keys}


def _force(state, physics, forced):
    if isinstance(state, TapedState):
        return state.replace(inner=_force(state.inner, physics, forced))
    return state.replace(physics=jnp.where(forced, physics, state.physics))


@functools.partial(jax.jit, static_argnames=("env", "steps"))
def random_episodes(env, params, keys, steps):
    """Random play of one episode per key, [E]: return, length and legality.

    Goes through `step_env`, so nothing is reset; what follows the end is masked.
    `parts` [E, 2] are the least and the largest sum of an observation.
    """

    def episode(key):
        key, key_reset = jax.random.split(key)
        obs, state = env.reset_env(key_reset, params)
        total = jnp.sum(obs)

        def step(carry, key):
            state, alive, low, high = carry
            key_action, key_step = jax.random.split(key)
            action = env.action_space(params).sample(key_action)
            obs, state, reward, terminated, _ = env.step_env(
                key_step, state, action, params
            )
            total = jnp.where(alive, jnp.sum(obs), low)
            low, high = jnp.minimum(low, total), jnp.maximum(high, total)
            out = jnp.where(alive, reward, 0.0), alive
            alive &= ~(terminated | env.is_truncated(state, params))
            return (state, alive, low, high), out

        start = (state, jnp.ones((), bool), total, total)
        (_, alive, low, high), (reward, lived) = jax.lax.scan(
            step, start, jax.random.split(key, steps)
        )
        return {
            "return": reward.sum(),
            "length": lived.sum(),
            "unfinished": alive,
            "parts": jnp.stack([low, high]),
        }

    return jax.vmap(episode)(keys)


def to_numpy(tree):
    """Arrays of a dict as numpy; keys as their data."""

    def convert(x):
        typed = jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
        return np.asarray(jax.random.key_data(x) if typed else x)

    return jax.tree.map(convert, tree)
