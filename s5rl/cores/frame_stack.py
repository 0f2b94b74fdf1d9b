"""The last few inputs side by side: what can be done without a memory that learns."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.attention import FrameStackConfig
from s5rl.cores.parts.block import initial_state
from s5rl.cores.parts.dense import Dense
from s5rl.cores.parts.window import extended, seen


class FrameStackLayer(nn.Module):
    """gelu(W [x[t], ..., x[t-k+1], which of them there are]) (Mnih et al., 2015).

    Frames from before the segment are zero, or what is learned in their place.
    """

    features: int
    config: FrameStackConfig = FrameStackConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> tuple[Array, Array]:
        """(frames [B, k-1, H] zeros, how many count [B] int32)."""
        shape = (batch_size, self.config.frames - 1, self.features)
        return jnp.zeros(shape, jnp.float32), jnp.zeros(batch_size, jnp.int32)

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (frames, count), c, length = carry, self.config, len(x)
        reach, count = seen(reset, count, c.frames)
        every, frames = extended(frames, x, count)
        every = jnp.swapaxes(every, 0, 1)
        opening = initial_state(self, c, frames.shape[1:])
        parts = []
        for back in range(c.frames):
            at = c.frames - 1 - back
            there = (reach >= back)[..., None]
            instead = jnp.zeros((1, 1, 1), jnp.float32)
            if opening is not None and back > 0:
                # The nearest row stands one step before the segment's first.
                instead = opening[jnp.minimum(reach + at, c.frames - 2)]
            parts.append(jnp.where(there, every[at : at + length], instead))
            parts.append(there.astype(jnp.float32))
        read = jnp.concatenate(parts, axis=-1).astype(c.dtype)
        y = Dense(self.features, dtype=c.dtype, name="dense")(read)
        return (frames, count), jax.nn.gelu(y)
