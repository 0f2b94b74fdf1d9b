"""SeqBoat: a state space that decides at which steps attention is worth it."""

from typing import ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.attention import SeqBoatConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense
from s5rl.cores.parts.sparse import chosen, chosen_cache
from s5rl.cores.parts.window import attend, distances
from s5rl.ssm import layer as ssm


class SeqBoatLayer(nn.Module):
    """Sparse modular activation (Ren et al., 2023, section 3).

    m = silu(ssm(norm x)); [route, e] = W_1 m; p = softmax(route / exp(tau))
    y = silu(x + e + p_1 W_2 (r * attention)) where p_1 > p_0, else silu(x + e)

    Queries and keys are scaled and shifted copies of z, with [z, r, v] = silu(W_3 m).
    Attention sees the last W *chosen* steps of the segment, however long ago they were,
    with a bias for each distance among them. The router learns through p alone. Shapes
    are static, so that choosing saves reach and not work.
    """

    features: int
    config: SeqBoatConfig = SeqBoatConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> tuple[Array, tuple[Array, ...]]:
        """([B, P] complex64, (keys, values [B, W-1, 1, d], how many count)), zeros."""
        size = self.config.space.num_states
        attention = ChosenAttention(self.features, self.config, parent=None)
        cache = attention.initial_carry(batch_size)
        return jnp.zeros((batch_size, size), jnp.complex64), cache

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (state, cache), c, width = carry, self.config, self.features
        space = ssm.initialise, width, c.space
        state, m = ssm.apply(
            self.param("ssm", *space),
            state,
            norm(x),
            reset,
            config=c.space,
            initial=initial_state(self, c, state.shape[1:], state.dtype),
        )
        m = jax.nn.silu(m)
        # Rounded scores would choose other steps.
        route = Dense(2, name="route")(m.astype(jnp.float32))
        start = nn.initializers.constant(jnp.log(c.temperature * width**0.5))
        warmth = jnp.exp(self.param("log_temperature", start, (), jnp.float32))
        p = jax.nn.softmax(route / warmth, axis=-1)[..., 1:].astype(x.dtype)
        attention = ChosenAttention(width, c, name="attention")
        active = route[..., 1] > route[..., 0]
        cache, added = attention(cache, m, active, reset)
        y = x + Dense(width, dtype=c.dtype, name="plain")(m)
        y = y + jnp.where(active[..., None], p * added, 0)
        return (state, cache), jax.nn.silu(y)


class ChosenAttention(nn.Module):
    """Gated attention among chosen steps, in one head (Hua et al., 2022)."""

    features: int
    config: SeqBoatConfig

    def initial_carry(self, batch_size: int) -> tuple[Array, Array, Array]:
        """(keys [B, W-1, 1, d_k], values [B, W-1, 1, d_v], how many count [B])."""
        c = self.config
        sizes = c.key_size, c.expansion * self.features
        keys, values = (
            jnp.zeros((batch_size, c.window - 1, 1, size), jnp.float32)
            for size in sizes
        )
        return keys, values, jnp.zeros(batch_size, jnp.int32)

    @nn.compact
    def __call__(self, cache, m: Array, active: Array, reset: Array):
        """Maps m [T, B, H] to [T, B, H], zeros before the last dense layer where not
        `active` [T, B]; and the cache to the cache.
        """
        (keys, values, count), c = cache, self.config
        size, wide = c.key_size, c.expansion * self.features
        mixed = Dense(size + 2 * wide, dtype=c.dtype, name="in")(m)
        z, r, v = jnp.split(jax.nn.silu(mixed), [size, size + wide], axis=-1)
        one, zero = nn.initializers.ones_init(), nn.initializers.zeros_init()
        scale = self.param("scale", one, (2, size), jnp.float32)[:, None, None]
        shift = self.param("shift", zero, (2, size), jnp.float32)[:, None, None]
        q, k = z.astype(jnp.float32)[None] * scale + shift

        steps = chosen(active, reset, count, c.window)
        q, k, v = (steps.taken(a.astype("f"))[:, :, None] for a in (q, k, v))
        k, keys = chosen_cache(keys, k, steps)
        v, values = chosen_cache(values, v, steps)
        bias = self.param("distance_bias", zero, (c.window,), jnp.float32)

        def score(q: Array, k: Array, q_time: Array, k_time: Array) -> Array:
            product = jnp.einsum("bthd,bshd->bhts", q, k) / size**0.5
            return product + bias[distances(q_time, k_time, c.window)][:, None]

        rows = initial_state(self, c, (c.window - 1, 1, size + wide))
        opening = None if rows is None else (rows[..., :size], rows[..., size:])
        a = attend(score, q, k, v, steps.reach, opening)[:, :, 0]
        a = steps.returned(a).astype(r.dtype) * r
        out = Dense(self.features, dtype=c.dtype, name="out")(a)
        return (keys, values, steps.kept), out
