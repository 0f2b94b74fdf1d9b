"""Heads side by side: how features are divided among them, and normalised in each."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.cores.parts.dense import Dense


def head_size(width: int, heads: int, name: str = "features") -> int:
    """How many of `width` features each head has.

    Raises:
      ValueError: if they cannot be divided evenly.
    """
    if width % heads:
        raise ValueError(f"{name} ({width}) must be a multiple of num_heads ({heads}).")
    return width // heads


def divided(x: Array, heads: int) -> Array:
    """[..., h, d] of [..., h d]."""
    return x.reshape(*x.shape[:-1], heads, head_size(x.shape[-1], heads))


def joined(x: Array) -> Array:
    """[..., h d] of [..., h, d]."""
    return x.reshape(*x.shape[:-2], -1)


def head_norm(x: Array, name: str = "head_norm") -> Array:
    """Each head [..., h, d] by its root mean square, in float32, inside a module."""
    return nn.RMSNorm(name=name, use_scale=False)(x.astype(jnp.float32))


def unit(x: Array) -> Array:
    """x [..., d] float32 of length one; the gradient of a zero is finite."""
    x = x.astype(jnp.float32)
    square = jnp.sum(x * x, axis=-1, keepdims=True)
    return x * jax.lax.rsqrt(square + 1e-6)


def dense(x: Array, width: int, name: str, dtype: str) -> Array:
    """A matrix without a bias, as linear attention has them, inside a module."""
    return Dense(width, use_bias=False, dtype=dtype, name=name)(x)
