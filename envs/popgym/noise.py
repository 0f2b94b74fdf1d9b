"""Gaussian noise on what a control task shows, clipped to the observation's bounds.

The noise of a step is its whole randomness, so it is the `draw` of `base`: [2] float32,
sigma included, added before clipping. The noise of the first observation is row 0 of
`hidden["noise"]`. The physics never feels it.
"""

from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jax import Array

from envs.popgym import base


@struct.dataclass
class NoisyParams(base.EnvParams):
    """A clock, and the standard deviation of the noise."""

    max_steps_in_episode: int = 200
    sigma: float = 0.1


class NoisyObservation(base.PopgymEnvironment):
    """Mixed in before a control task: its labels with noise added, then clipped."""

    bounds: tuple[float, float]

    @property
    def default_params(self) -> NoisyParams:
        return NoisyParams()

    def draw_hidden(self, key, params):
        key, key_noise = jax.random.split(key)
        noise = self.draw(key_noise, None, params)[None]
        return {**super().draw_hidden(key, params), "noise": noise}

    def start(self, hidden, params):
        label, state = super().start(hidden, params)
        first = jnp.asarray(hidden["noise"], jnp.float32)[0]
        return self._disturbed(label, first), state

    def draw(self, key, state, params: Any):
        return params.sigma * jax.random.normal(key, (len(self.bounds),), jnp.float32)

    def transition(self, state, action, draw, params):
        label, state, reward = super().transition(state, action, None, params)
        return self._disturbed(label, draw), state, reward

    def _disturbed(self, label: Array, noise: Array) -> Array:
        high = jnp.asarray(self.bounds, jnp.float32)
        return jnp.clip(label + noise, -high, high)
