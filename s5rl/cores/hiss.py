"""HiSS: a memory that reads every step, and one above it that reads every k-th."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.compositions import HiSSConfig
from s5rl.cores.parts.dense import Dense
from s5rl.cores.stack import layer_class
from s5rl.recurrence.segments import positions
from s5rl.recurrence.varying import vary_alike


class HiSSLayer(nn.Module):
    """A low memory in chunks of k steps, and a high one over chunks (Bhirangi, 2024).

    l[t] = low over the steps of t's chunk; u[m] = high over l at the ends of chunks up
    to m; y[t] = W [l[t], u of the last chunk that is complete at t, or zeros].

    Chunks count from the segment's first step. The authors give out one y a chunk; to
    act, every step needs one. The high memory takes T / k steps one after another.
    """

    features: int
    config: HiSSConfig = HiSSConfig()
    reads_any_width: ClassVar[bool] = False

    def _half(self, which: str, **place: Any) -> Any:
        name, config = self.config.parts()[which]
        return layer_class(name)(self.features, config, **place)

    def initial_carry(self, batch_size: int) -> tuple[Any, Any, Array, Array]:
        """(the low and the high memory, u [B, H], steps [B] int32), all zeros.

        Steps are those of the segment, from two chunks on without all whole chunks
        before the second.
        """
        low, high = (
            self._half(which, parent=None).initial_carry(batch_size)
            for which in ("low", "high")
        )
        above = jnp.zeros((batch_size, self.features), jnp.float32)
        return low, high, above, jnp.zeros(batch_size, jnp.int32)

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (low, high, above, count), size = carry, self.config.chunk
        dtype = self.config.dtype
        position = positions(reset, count)
        opens = reset | (position % size == 0)
        low, y = self._half("low", name="low")(low, x, opens)
        y = y.astype(dtype)
        high, u = self._above(high, above, y, position)
        both = jnp.concatenate([y, u.astype(dtype)], axis=-1)
        after = position[-1] + 1
        count = jnp.where(after < 2 * size, after, size + after % size)
        out = Dense(self.features, dtype=dtype, name="out")(both)
        return (low, high, u[-1], count), out

    def _above(self, state: Any, above: Array, y: Array, position: Array):
        """(the high memory, u [T, B, H] float32) from y at the ends of chunks."""
        size, layer = self.config.chunk, self._half("high", name="high")
        length, batch, _ = y.shape
        time, lane = jnp.indices((length, batch), jnp.int32)
        ends = position % size == size - 1
        number = jnp.cumsum(ends, axis=0, dtype=jnp.int32)
        most = -(-length // size)  # ends are `size` steps apart, whatever is reset
        # When the m-th end is; a lane that has fewer reads zeros, and forgets them.
        at = jnp.zeros((most, batch), jnp.int32)
        at = at.at[jnp.where(ends, number - 1, most), lane].set(time, mode="drop")
        there = jnp.arange(most, dtype=jnp.int32)[:, None] < number[-1:]
        read = jnp.take_along_axis(y, at[..., None], axis=0)
        read = jnp.where(there[..., None], read, 0)
        first = there & (jnp.take_along_axis(position, at, axis=0) == size - 1)
        state, outputs = _run(layer, state, read, first, there)
        every = jnp.concatenate([above[None], outputs.astype(jnp.float32)])
        u = jnp.take_along_axis(every, number[..., None], axis=0)
        complete = position >= size - 1
        state = _select(complete[-1], state, jax.tree.map(jnp.zeros_like, state))
        return state, jnp.where(complete[..., None], u, 0)


def _select(flag: Array, one: Any, other: Any) -> Any:
    def select(one: Array, other: Array) -> Array:
        return jnp.where(flag.reshape(-1, *(1,) * (one.ndim - 1)), one, other)

    return jax.tree.map(select, one, other)


def _run(layer: nn.Module, state: Any, x: Array, reset: Array, there: Array):
    """One step after another over x [M, B, H]; where none is there, none is taken."""

    def step(layer, state, now):
        x_t, reset_t, there_t = now
        after, y = layer(state, x_t[None], reset_t[None])
        return _select(there_t, after, state), y[0]

    if len(x) == 1:
        state, y = step(layer, state, (x[0], reset[0], there[0]))
        return state, y[None]
    # What varies over devices in the loop must vary before it (`jax.shard_map`).
    state = jax.tree.map(lambda leaf: vary_alike(leaf, there)[0], state)
    scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
    return scan(layer, state, (x, reset, there))
