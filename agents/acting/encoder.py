"""What an observation becomes before memory reads it; chosen from its space.

| space | encoder |
|---|---|
| Box of rank 3, float or uint8 up to 255 | a small CNN over [height, width, channel] |
| Box of rank 2 or 3, integers | each integer embedded, then the CNN |
| Dict, Tuple | each part by its own rule, concatenated |
| everything else | `envs.contract.spaces.flatten`: float vectors, one-hots |
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces
from jax import Array

from envs.contract.spaces import children, flatten, part
from s5rl.recurrence.rounding import rounded

EMBEDDING = 8  # features of an embedded integer
CHANNELS = (16, 32)  # of the first convolution, and of those after it
SMALL = 12  # sides up to this are not halved any more


def kind(space: spaces.Space) -> str:
    """Which encoder reads a space: "parts", "image", "grid" or "vector"."""
    if isinstance(space, spaces.Dict | spaces.Tuple):
        return "parts"
    if not isinstance(space, spaces.Box):
        return "vector"
    whole = jnp.issubdtype(space.dtype, jnp.integer)
    high = np.asarray(space.high)
    if whole and len(space.shape) in (2, 3) and high.max() < 255:
        return "grid"
    if len(space.shape) == 3 and (not whole or space.dtype == jnp.uint8):
        return "image"
    return "vector"


class Encoder(nn.Module):
    """Observations [..., *shape] of any gymnax space to features [..., F].

    A part that is a vector is handed on as it is, float32: dense layers are the
    network's. Embeddings and convolutions compute in `dtype`, and give it.
    """

    space: Any
    activation: Callable[[Array], Array]
    dtype: str = "float32"

    @nn.compact
    def __call__(self, obs: Any) -> Array:
        which = kind(self.space)
        if which == "parts":
            parts = [
                Encoder(child, self.activation, self.dtype, name=f"part_{key}")(
                    part(obs, key)
                )
                for key, child in children(self.space).items()
            ]
            # Where one is float32, which loses nothing, all are.
            dtype = jnp.result_type(*(x.dtype for x in parts))
            return jnp.concatenate([x.astype(dtype) for x in parts], axis=-1)
        if which == "grid":
            return self._convolve(self._embed(obs))
        if which == "image":
            scale = 255.0 if self.space.dtype == jnp.uint8 else 1.0
            return self._convolve(jnp.asarray(obs, jnp.float32) / scale)
        return flatten(self.space, obs)

    def _embed(self, obs: Array) -> Array:
        """[..., H, W, (C)] integers to [..., H, W, C * EMBEDDING].

        Channels mean different things (tiles, colours), so they share no row of the
        table.
        """
        if len(self.space.shape) == 2:
            obs = obs[..., None]
        sizes = _categories(self.space)
        offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        low = int(np.min(np.asarray(self.space.low)))
        row = jnp.asarray(obs, jnp.int32) - low
        # Out of range would read another channel's rows.
        row = jnp.clip(row, 0, jnp.asarray(sizes - 1, jnp.int32).reshape(_ones(row)))
        row = row + jnp.asarray(offsets, jnp.int32).reshape(_ones(row))
        size = int(sizes.sum())
        # Rows are float32, and so are their gradients' sums.
        embedded = nn.Embed(size, EMBEDDING, name="embedding")(row)
        embedded = rounded(embedded, self.dtype)
        return embedded.reshape(*embedded.shape[:-2], -1)

    def _convolve(self, x: Array) -> Array:
        """[..., H, W, C] to [..., F]: 3 x 3 convolutions, halving what is large."""
        channels = CHANNELS[0]
        while True:
            large = max(x.shape[-3:-1]) > SMALL
            layer = Conv(channels, 2 if large else 1, self.dtype)
            x = rounded(self.activation(layer(x)), self.dtype)
            if not large:
                return x.reshape(*x.shape[:-3], -1)
            channels = CHANNELS[1]


class Conv(nn.Module):
    """`flax.linen.Conv`, 3 x 3, but for its bias's gradient: see `Dense`."""

    features: int
    stride: int
    dtype: str

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """Maps x [..., H, W, C] to [..., H', W', features] float32."""
        shape = (3, 3, x.shape[-1], self.features)
        gain = nn.initializers.orthogonal(np.sqrt(2.0))
        kernel = self.param("kernel", gain, shape, jnp.float32)
        bias = self.param("bias", nn.initializers.zeros_init(), shape[3:], jnp.float32)
        y = jax.lax.conv_general_dilated(
            rounded(x.reshape(-1, *x.shape[-3:]), self.dtype),
            rounded(kernel, self.dtype),
            window_strides=(self.stride, self.stride),
            padding="SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        y = rounded(y, self.dtype).astype(jnp.float32) + jnp.broadcast_to(bias, y.shape)
        return y.reshape(*x.shape[:-3], *y.shape[1:])


def _categories(space: spaces.Box) -> np.ndarray:
    """[C] how many values each channel of an integer Box can take."""
    shape = space.shape if len(space.shape) == 3 else (*space.shape, 1)
    low = int(np.min(np.asarray(space.low)))
    high = np.broadcast_to(np.asarray(space.high), space.shape).reshape(shape)
    return high.max((0, 1)).astype(np.int64) - low + 1


def _ones(x: Array) -> tuple[int, ...]:
    """A shape that broadcasts [C] over the last axis of `x`, with its rank."""
    return (*(1,) * (x.ndim - 1), -1)
