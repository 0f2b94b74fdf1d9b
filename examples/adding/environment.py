"""Parity: is the number of ones shown so far odd? Memory has to be changed, not kept.

A bit is shown at each of `length` steps, by a fair coin. The one reward, +1 or -1, is
for the action of the last step, which is right if it names the parity of all bits,
the last one included. Uniformly random play averages 0, and so does play without
memory: each parity is as likely whatever the last bit is. The best is 1.

Observation [2] float32: the bit as -1 or +1; 1 on the last observation, else 0. Two
actions. An episode takes `length` steps and ends with `terminated`.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract import expert
from envs.contract.auto_reset import AutoReset
from examples.adding.environment_row import ParityConfig


@struct.dataclass
class ParityState(environment.EnvState):
    """What was shown."""

    time: Array  # [] int32, steps taken
    bit: Array  # [] int32, shown now
    parity: Array  # [] int32, of all bits shown so far, this one included


@struct.dataclass
class ParityParams(environment.EnvParams):
    """How long an episode is."""

    length: int = 8
    max_steps_in_episode: int = 8


class Parity(AutoReset):
    """See the module docstring."""

    default_params = ParityParams()

    def reset_env(self, key: Array, params: Any) -> tuple[Array, ParityState]:
        bit = jax.random.bernoulli(key).astype(jnp.int32)
        state = ParityState(time=jnp.int32(0), bit=bit, parity=bit)
        return self.get_obs(state, params), state

    def step_env(self, key: Array, state: Any, action: Any, params: Any) -> tuple:
        right = jnp.where(action == state.parity, 1.0, -1.0)
        terminated = state.time + 1 >= params.length
        reward = jnp.where(terminated, right, 0.0)
        bit = jax.random.bernoulli(key).astype(jnp.int32)
        state = ParityState(time=state.time + 1, bit=bit, parity=state.parity ^ bit)
        return self.get_obs(state, params), state, reward, terminated, {}

    def get_obs(self, state: ParityState, params: Any) -> Array:
        """[2] the bit, and whether it is the last."""
        last = state.time + 1 == params.length
        return jnp.stack([2 * state.bit - 1, last.astype(jnp.int32)], dtype=jnp.float32)

    def is_truncated(self, state: Any, params: Any) -> Array:
        """Never: an episode ends by itself."""
        return jnp.bool_(False)

    def markov_state(self, state: ParityState, params: Any) -> Array:
        """[3] for a critic that may see it: time, bit, parity."""
        shown = [state.time / params.length, state.bit, state.parity]
        return jnp.stack(shown, dtype=jnp.float32)

    def best_actions(self, state: ParityState, params: Any) -> Array:
        """[2] bool: the parity, in the step that pays; before it, either."""
        return expert.only(state.parity, 2, state.time + 1 >= params.length)

    def action_space(self, params: Any) -> spaces.Discrete:
        """Even, odd."""
        return spaces.Discrete(2)

    def observation_space(self, params: Any) -> spaces.Box:
        """[bit, last]."""
        return spaces.Box(jnp.array([-1.0, 0.0]), jnp.ones(2), (2,), jnp.float32)


def make(config: ParityConfig) -> tuple[Parity, ParityParams]:
    """Builds the environment and its parameters."""
    length = config.length
    return Parity(), ParityParams(length=length, max_steps_in_episode=length)
