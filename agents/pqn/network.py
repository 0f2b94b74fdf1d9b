"""The network: encoder, memory and a value for each action, normalised in between."""

import math
from functools import partial
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.distributions import ActionHead
from agents.acting.encoder import Encoder
from s5rl import in_chunks
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence.rounding import rounded


class QNetwork(nn.Module):
    """`(carry, obs, reset) -> (carry, q)` over [T, B]; q is [T, B, A], float32.

    Layer norm, before memory and after it, is what a target network is elsewhere: it
    bounds what bootstrapped values can do to each other (Gallici et al., 2025, section
    4). It looks at one step of one lane, as everything here does.

    `never_reset` keeps memory over the ends of episodes. `chunk_length` and `dtype` are
    as `agents.acting.policy.ActorCritic` has them.
    """

    core: Any
    head: ActionHead
    observation_space: Any
    encoder_sizes: tuple[int, ...]
    head_sizes: tuple[int, ...]
    never_reset: bool = False
    chunk_length: int | None = None
    dtype: str = "float32"

    def initial_carry(self, batch_size: int) -> Any:
        """Memory that has read nothing."""
        return self.core.initial_carry(batch_size)

    @nn.compact
    def __call__(self, carry: Any, obs: Any, reset: Array) -> tuple[Any, Array]:
        """Reads obs [T, B, ...]; gives carry and q [T, B, A]."""
        length = self.chunk_length
        if length is not None and length < len(reset) and not self.is_initializing():
            alone, variables = self.unbind()
            call = partial(alone.apply, variables)
            return in_chunks(call, carry, obs, reset, length=length)
        space = self.observation_space
        x = Encoder(space, jax.nn.relu, self.dtype, name="observation")(obs)
        x = self._dense(x, self.encoder_sizes, "encoder")
        if self.never_reset:
            reset = jnp.zeros_like(reset)
        carry, x = self.core(carry, x, reset)
        x = rounded(nn.LayerNorm(name="memory_norm")(x), self.dtype)
        x = self._dense(x, self.head_sizes, "head")
        # Small at first, so that the first targets are rewards and little else.
        small = nn.initializers.orthogonal(0.01)
        q = Dense(self.head.num_outputs, kernel_init=small, name="q")
        return carry, q(x.astype(jnp.float32))

    def _dense(self, x: Array, sizes: tuple[int, ...], name: str) -> Array:
        gain = nn.initializers.orthogonal(math.sqrt(2.0))
        for index, size in enumerate(sizes):
            layer = Dense(size, dtype=x.dtype, kernel_init=gain, name=f"{name}_{index}")
            x = layer(x).astype(jnp.float32)
            x = jax.nn.relu(nn.LayerNorm(name=f"{name}_norm_{index}")(x))
            x = rounded(x, self.dtype)
        return x
