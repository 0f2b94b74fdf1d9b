"""mLSTM: a gated matrix memory whose exponential gates are kept in bounds."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config.matrix import MLSTMConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.convolution import Convolution
from s5rl.cores.parts.dense import Dense, spread
from s5rl.cores.parts.heads import divided, head_norm, head_size, joined
from s5rl.recurrence import resettable
from s5rl.recurrence.matrix import matrix_recurrence

SMALLEST = 1e-6  # of what is divided by


class MLSTMLayer(nn.Module):
    """x + mlstm(norm(x)) (Beck et al., 2024, section 2.3 and figure 11).

    C[t] = sigmoid(f) C[t-1] + exp(i) k v^T / sqrt(d)
    n[t] = sigmoid(f) n[t-1] + exp(i) k / sqrt(d)
    y = C^T q / max(|n . q|, 1)

    exp(i) has no bound, so C and n are kept as multiples of exp(m), m a running maximum
    (`running_maximum`); n is one more column of C. At a segment's first step m starts
    from 0: where it starts changes no output.
    """

    features: int
    config: MLSTMConfig = MLSTMConfig()
    reads_any_width: ClassVar[bool] = False

    @property
    def channels(self) -> int:
        """E."""
        return self.config.expansion * self.features

    def initial_carry(self, batch_size: int) -> tuple[Array, Array, Array]:
        """(C and n [B, h, d, d + 1], m [B, h], the tail [B, w-1, E]), zeros."""
        heads = self.config.num_heads
        size = head_size(self.channels, heads, "expansion * features")
        tail = Convolution(self.config.conv_width, parent=None)
        return (
            jnp.zeros((batch_size, heads, size, size + 1), jnp.float32),
            jnp.zeros((batch_size, heads), jnp.float32),
            tail.initial_carry(batch_size, self.channels),
        )

    @nn.compact
    def __call__(self, carry, x: Array, reset: Array):
        """Maps x [T, B, H] to y [T, B, H]."""
        (state, m, tail), c, heads = carry, self.config, self.config.num_heads
        small = nn.initializers.normal((2 / (5 * self.features)) ** 0.5)
        up = Dense(2 * self.channels, False, c.dtype, kernel_init=small, name="up")
        u, z = jnp.split(up(norm(x)), 2, axis=-1)
        tail, smooth = Convolution(c.conv_width, name="convolution")(tail, u, reset)
        smooth = jax.nn.silu(smooth)
        q, k, v = (
            self._blocks(value, name)
            for name, value in (("query", smooth), ("key", smooth), ("value", u))
        )
        write, forget = self._gates(jnp.concatenate([q, k, v], axis=-1))
        q, k, v = (divided(part, heads).astype(jnp.float32) for part in (q, k, v))
        (state, m), y = exponential_recurrence(
            q,
            k / q.shape[-1] ** 0.5,
            v,
            jax.nn.log_sigmoid(forget),
            write,
            reset,
            (state, m),
            initial=initial_state(self, c, state.shape[1:]),
            chunk=c.chunk,
        )
        y = joined(head_norm(y)).astype(x.dtype)
        ones = nn.initializers.ones_init()
        skip = self.param("skip", ones, (self.channels,), jnp.float32)
        y = (y + spread(skip, smooth) * smooth) * jax.nn.silu(z)
        last = nn.initializers.normal(2 / (c.num_layers * self.features**0.5))
        down = Dense(self.features, False, c.dtype, kernel_init=last, name="down")
        return (state, m, tail), x + down(y)

    def _blocks(self, x: Array, name: str) -> Array:
        """A block-diagonal matrix, of four channels a block as the authors have it."""
        size = 4 if self.channels % 4 == 0 else 1
        blocks = divided(x, self.channels // size)
        init = nn.initializers.normal((2 / (5 * size)) ** 0.5)
        shape = (self.channels // size, size, size)
        kernel = self.param(f"{name}_kernel", init, shape, jnp.float32)
        return joined(jnp.einsum("tbni,nij->tbnj", blocks, kernel.astype(x.dtype)))

    def _gates(self, qkv: Array) -> tuple[Array, Array]:
        """Input and forget gate before their exponential and sigmoid, [T, B, h]."""
        heads = self.config.num_heads

        def gate(name: str, bias: Any) -> Array:
            zeros = nn.initializers.zeros_init()
            return Dense(heads, kernel_init=zeros, bias_init=bias, name=name)(
                qkv.astype(jnp.float32)
            )

        return (
            gate("input_gate", nn.initializers.normal(0.1)),
            gate("forget_gate", _draw_forget),
        )


def _draw_forget(_: Array, shape: tuple[int, ...], dtype: Any) -> Array:
    return jnp.linspace(3.0, 6.0, shape[0], dtype=dtype)


def exponential_recurrence(
    q: Array,
    k: Array,
    v: Array,
    log_f: Array,
    write: Array,
    reset: Array,
    carry: tuple[Array, Array],
    *,
    initial: Array | None = None,
    chunk: int = 64,
) -> tuple[tuple[Array, Array], Array]:
    """C = exp(log_f) C + exp(write) k v^T, n alike of k;  y = C^T q / max(|n . q|, 1).

    Args:
      q: [T, B, h, d].
      k: [T, B, h, d].
      v: [T, B, h, d].
      log_f: [T, B, h], at most zero.
      write: [T, B, h], of any size.
      reset: [T, B] bool.
      carry: C and n [B, h, d, d + 1] as multiples of exp(m), and m [B, h].
      initial: [h, d, d + 1], with m = 0, that opens every segment.
      chunk: steps that are taken together.

    Returns:
      `(carry, y)`: as it was given, and y [T, B, h, d].
    """
    state, m = carry
    before, m = running_maximum(log_f, write, reset, m)
    state, y = matrix_recurrence(
        q,
        jnp.exp(write - m)[..., None] * k,
        jnp.concatenate([v, jnp.ones_like(v[..., :1])], axis=-1),
        log_f + before - m,
        reset,
        state,
        initial=initial,
        chunk=chunk,
    )
    bound = jnp.exp(jnp.minimum(-m, 80.0))[..., None]
    y = y[..., :-1] / (jnp.maximum(jnp.abs(y[..., -1:]), bound) + SMALLEST)
    return (state, m[-1]), y


def running_maximum(
    log_f: Array, write: Array, reset: Array, carry: Array
) -> tuple[Array, Array]:
    """m[t] = max(log_f[t] + m[t-1], write[t]), from 0 where a segment starts.

    An associative operator of (sum of log_f, maximum), made to restart at resets: the
    gradient passes through it, since write reaches the memory only in its difference to
    m, and what m alone decides cancels.

    Args:
      log_f: [T, B, h], at most zero.
      write: [T, B, h].
      reset: [T, B] bool.
      carry: [B, h], m before the first step.

    Returns:
      m before each step, and after it, [T, B, h].
    """

    def combine(left, right):
        (sum_left, m_left), (sum_right, m_right) = left, right
        return sum_left + sum_right, jnp.maximum(sum_right + m_left, m_right)

    first = reset[..., None]
    start = jnp.where(first[0], 0, carry)
    write = jnp.where(first, jnp.maximum(write, log_f), write)
    write = write.at[0].set(jnp.maximum(write[0], log_f[0] + start))
    if len(reset) == 1:
        return start[None], write
    elements = (log_f, write), first
    (_, m), _ = jax.lax.associative_scan(resettable(combine), elements)
    before = jnp.concatenate([start[None], jnp.where(first[1:], 0, m[:-1])])
    return before, m
