"""GTrXL: a transformer with a memory of its past inputs, whose gates keep it stable."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from s5rl.config.attention import GTrXLConfig
from s5rl.cores.parts.block import initial_state
from s5rl.cores.parts.dense import Dense, spread
from s5rl.cores.parts.heads import dense, divided, joined
from s5rl.cores.parts.window import attend, distances, extended, seen


class Gate(nn.Module):
    """A GRU's gate between a stream x and what a sublayer adds, y (section 3.2).

    r = sigmoid(W y + U x), z = sigmoid(W y + U x - b), h = tanh(W y + U (r x));
    out = (1 - z) x + z h. With a large b it starts as the identity.
    """

    features: int
    bias: float
    dtype: Any

    @nn.compact
    def __call__(self, x: Array, y: Array) -> Array:
        """Maps x and y [..., H] to [..., H]."""

        def mixed(name: str, stream: Array) -> Array:
            added = dense(y, self.features, f"{name}_y", self.dtype)
            return added + dense(stream, self.features, f"{name}_x", self.dtype)

        constant = nn.initializers.constant(self.bias)
        bias = self.param("bias", constant, (self.features,), jnp.float32)
        r = jax.nn.sigmoid(mixed("reset", x))
        z = jax.nn.sigmoid(mixed("update", x) - spread(bias, x))
        return (1 - z) * x + z * jnp.tanh(mixed("candidate", r * x))


class GTrXLLayer(nn.Module):
    """One layer of the gated transformer-XL (Parisotto et al., 2020).

    e = LN([memory, x]); o = gate(x, relu(attention(x; e))); gate(o, relu(mlp(LN(o))))

    Attention sees exactly the `memory_length` steps before each, of the same segment,
    with scores of transformer-XL: (q + u) . k + (q + v) . W_R R[distance]. Gradients
    pass through the memory within a call.
    """

    features: int
    config: GTrXLConfig = GTrXLConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> tuple[Array, Array]:
        """(the layer's last inputs [B, M, H] zeros, how many count [B] int32)."""
        shape = (batch_size, self.config.memory_length, self.features)
        return jnp.zeros(shape, jnp.float32), jnp.zeros(batch_size, jnp.int32)

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (memory, count), c = carry, self.config
        window, width = c.memory_length + 1, c.num_heads * c.head_size
        reach, count = seen(reset, count, window)
        every, memory = extended(memory, x, count)
        norm = nn.LayerNorm(name="norm")
        key, value = (
            Dense(width, False, c.dtype, name=name) for name in ("key", "value")
        )

        def keys_and_values(e: Array) -> list[Array]:
            both = (layer(e.astype(c.dtype)) for layer in (key, value))
            return [divided(rows.astype(jnp.float32), c.num_heads) for rows in both]

        k, v = keys_and_values(norm(every))
        # Learned as if normalised: a norm's slope at zero, where they start, is steep.
        start = initial_state(self, c, memory.shape[1:])
        opening = None if start is None else keys_and_values(start)
        u = norm(x.astype(jnp.float32)).astype(c.dtype)
        q = divided(dense(u, width, "query", c.dtype).astype("f"), c.num_heads)
        a = joined(attend(self._score(window), q, k, v, reach, opening))
        a = dense(a.astype(x.dtype), self.features, "out", c.dtype)
        first, second = (
            Gate(self.features, c.gate_bias, c.dtype, name=f"gate_{i}") for i in "12"
        )
        o = first(x, jax.nn.relu(a))
        wide = Dense(c.mlp_expansion * self.features, dtype=c.dtype, name="up")
        down = Dense(self.features, dtype=c.dtype, name="down")
        inner = nn.LayerNorm(name="mlp_norm")(o.astype(jnp.float32)).astype(c.dtype)
        return (memory, count), second(o, jax.nn.relu(down(jax.nn.relu(wide(inner)))))

    def _score(self, window: int):
        """Transformer-XL's scores; a distance is looked up, and not shifted to."""
        c, zeros = self.config, nn.initializers.zeros_init()
        shape = (c.num_heads, c.head_size)
        of_content = self.param("content_bias", zeros, shape, jnp.float32)
        of_place = self.param("place_bias", zeros, shape, jnp.float32)
        width = c.num_heads * c.head_size
        project = Dense(width, use_bias=False, name="place")
        places = divided(project(_sinusoids(window, self.features)), c.num_heads)

        def score(q: Array, k: Array, q_time: Array, k_time: Array) -> Array:
            content = jnp.einsum("bthd,bshd->bhts", q + of_content[None, None], k)
            by_place = jnp.einsum("bthd,whd->bhtw", q + of_place[None, None], places)
            distance = distances(q_time, k_time, window)[:, None]
            place = jnp.take_along_axis(by_place, distance, axis=-1)
            return (content + place) / c.head_size**0.5

        return score


def _sinusoids(count: int, width: int) -> Array:
    """[count, width] sines and cosines of each distance (Vaswani et al., 2017)."""
    half = -(-width // 2)
    rates = 10_000.0 ** (-np.arange(half) / half)
    angles = np.arange(count)[:, None] * rates[None]
    both = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[:, :width]
    return jnp.asarray(both, jnp.float32)
