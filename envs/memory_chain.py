"""Memory Chain (bsuite; Osband et al., 2020): is a bit kept for `memory_length` steps?

The context is shown at the start, the question at the end; the one reward, +1 or -1, is
for the answer. A policy without memory averages 0, a perfect one 1, at every length.

Observation [2 + num_bits]: the share of time left; the index of the bit asked for, on
the last observation; the context as -1/+1, on the first two observations (gymnax and
bsuite both emit the observation of the step before). Two actions. An episode takes
`memory_length + 1` steps and ends with `terminated`.

gymnax's environment declares bounds that its context leaves, and its limit of 1,000
steps cuts longer chains before they pay. Both are put right here.
"""

from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import spaces
from gymnax.environments.bsuite import memory_chain
from jax import Array

from envs.config import MemoryChainConfig
from envs.contract import expert
from envs.contract.auto_reset import AutoReset


class MemoryChain(AutoReset, memory_chain.MemoryChain):
    """gymnax's MemoryChain with the bounds that its observations really have."""

    action_names = ("-1", "+1")  # the bits that they answer

    def reset_env(self, key, params):
        # gymnax mixes integers and floats, which a strict session refuses.
        with jax.numpy_dtype_promotion("standard"):
            return super().reset_env(key, params)

    def step_env(self, key, state, action, params):
        with jax.numpy_dtype_promotion("standard"):
            stepped = super().step_env(key, state, action, params)
        obs, state, reward, terminated, info = stepped
        return obs, state, jnp.float32(reward), terminated, info

    def markov_state(self, state: memory_chain.EnvState, params: Any) -> Array:
        """[2 + num_bits] share of time left, index asked for, context as -1/+1."""
        left = 1 - state.time / params.memory_length
        clock = jnp.stack([left, state.query], dtype=jnp.float32)
        return jnp.concatenate([clock, 2 * jnp.float32(state.context) - 1])

    def best_actions(self, state: memory_chain.EnvState, params: Any) -> Array:
        """[2] bool: the bit asked for, in the step that pays."""
        bit = jnp.asarray(state.context, jnp.int32)[state.query]
        return expert.only(bit, 2, state.time >= params.memory_length)

    def observation_space(self, params: memory_chain.EnvParams) -> spaces.Box:
        """[time left, query, context] with context in {-1, 0, 1}."""
        context = jnp.ones(self.num_bits)
        low = jnp.concatenate([jnp.zeros(2), -context])
        high = jnp.concatenate([jnp.array([1.0, self.num_bits - 1]), context])
        return spaces.Box(low, high, (self.num_bits + 2,), jnp.float32)

    def render(self, state: memory_chain.EnvState, params: memory_chain.EnvParams):
        """The state as an RGB picture, [320, 320, 3] uint8. Needs matplotlib."""
        from envs.drawing import gymnax as gymnax_render

        return gymnax_render.render("MemoryChain-bsuite", self, state, params)


def make(config: MemoryChainConfig):
    """Builds the environment and its parameters."""
    env = MemoryChain(num_bits=config.num_bits)
    params = memory_chain.EnvParams(
        memory_length=config.memory_length, max_steps_in_episode=config.step_limit
    )
    return env, params
