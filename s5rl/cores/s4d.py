"""S4D: a diagonal state space of its own for every feature."""

from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpy.typing import NDArray

from s5rl.config.spaces import S4DConfig
from s5rl.cores.parts.block import initial_state, norm
from s5rl.cores.parts.dense import Dense, spread
from s5rl.cores.parts.modes import Modes, of_planes
from s5rl.recurrence.wide import wide_recurrence
from s5rl.ssm.bases import s4d_frequencies
from s5rl.ssm.discretise import MIN_DECAY, discretise, eigenvalues
from s5rl.ssm.hippo import diagonalise_hippo

LARGEST = 2.0  # of |read-in| at first: HiPPO's reaches 41 at 64 states


class S4DLayer(nn.Module):
    """Norm, state spaces, gated linear unit and residual (Gu et al., 2022, section 4).

    x'[c, n] = Λ[c, n] x[c, n] + u[c],   y[c] = 2 Re Σ_n C[c, n] x[c, n] + D[c] u[c]

    for each feature c with a step Δ[c] of its own, discretised by zero-order hold. The
    read-in is folded into C. One of each conjugate pair is computed: n < N / 2.
    """

    features: int
    config: S4DConfig = S4DConfig()
    reads_any_width: ClassVar[bool] = False

    def initial_carry(self, batch_size: int) -> Array:
        """[B, N / 2, H] complex64 zeros."""
        states = self.config.state_size // 2, self.features
        return jnp.zeros((batch_size, *states), jnp.complex64)

    @nn.compact
    def __call__(self, carry: Array, x: Array, reset: Array) -> tuple[Array, Array]:
        """Maps x [T, B, H] to y [T, B, H], reading and writing `carry`."""
        dtype, width, u = self.config.dtype, self.features, norm(x)
        carry, y = self._systems(carry, u.astype(jnp.float32), reset)
        unit = nn.initializers.normal(1)
        feedthrough = self.param("feedthrough", unit, (width,), jnp.float32)
        y = y.astype(dtype) + spread(feedthrough, u) * u
        y = jax.nn.gelu(y)
        value = Dense(width, dtype=dtype, name="value")(y)
        gate = Dense(width, dtype=dtype, name="gate")(y)
        return carry, x + value * jax.nn.sigmoid(gate)

    def _systems(self, carry: Array, u: Array, reset: Array) -> tuple[Array, Array]:
        """What is read of the states, [T, B, H], that u [T, B, H] leaves."""
        shape = self.features, self.config.state_size // 2
        values, _ = _system(self.config)

        def decay(_):
            alike = np.broadcast_to(np.log(-np.real(values) - MIN_DECAY), shape)
            return jnp.asarray(alike, jnp.float32)

        def frequency(_):
            return jnp.asarray(np.broadcast_to(np.imag(values), shape), jnp.float32)

        multiplier, gain = _recurrence(
            {
                "eigenvalue_decay": self.param("eigenvalue_decay", decay),
                "eigenvalue_frequency": self.param("eigenvalue_frequency", frequency),
                "log_step": self.param("log_step", self._draw_log_step),
            }
        )
        own = self.param("output_matrix", self._draw_output)
        multiplier, gain, real, imaginary = (
            part.T[None] for part in (multiplier, gain, *own)
        )

        def expand(u: Array) -> tuple[Array, Array]:
            wide = u[:, None]
            return multiplier, jax.lax.complex(wide * gain.real, wide * gain.imag)

        def read(h: Array, _: Array) -> Array:
            return 2 * jnp.sum(h.real * real - h.imag * imaginary, axis=1)

        return wide_recurrence(
            expand,
            read,
            (u,),
            reset,
            carry,
            initial=initial_state(self, self.config, carry.shape[1:], carry.dtype),
            method=self.config.method,
        )

    @staticmethod
    def modes(config: S4DConfig, parameters: Any) -> Modes:
        """Its states, where `parameters` are the layer's; each is read by one feature.

        `read_out` is of all features, as any layer's, and zero but for that one.
        """
        multiplier, _ = _recurrence(parameters)
        own = jnp.swapaxes(parameters["output_matrix"], 1, 2)  # [2, N / 2, H]
        wide = own[..., None] * jnp.eye(own.shape[2])[None, None]
        read_out = wide.reshape(2, -1, own.shape[2])
        return of_planes(multiplier.T.ravel(), read_out, doubled=True)

    def _draw_output(self, key: Array) -> Array:
        """C ~ CN(0, 1), times what the folded read-in is at first."""
        shape = self.features, self.config.state_size // 2
        drawn = jax.random.normal(key, shape, jnp.complex64)
        drawn = drawn * jnp.asarray(_system(self.config)[1], jnp.complex64)[None]
        return jnp.stack([drawn.real, drawn.imag])

    def _draw_log_step(self, key: Array) -> Array:
        low, high = jnp.log(self.config.dt_min), jnp.log(self.config.dt_max)
        shape = (self.features,)
        return jax.random.uniform(key, shape, jnp.float32, minval=low, maxval=high)


def _recurrence(parameters: dict[str, Array]) -> tuple[Array, Array]:
    """`(multiplier, gain)` [H, N / 2] complex64: the recurrence that a layer runs."""
    step = jnp.exp(parameters["log_step"])[:, None]
    return discretise(eigenvalues(parameters), step)


def _system(config: S4DConfig) -> tuple[NDArray, NDArray]:
    """(Λ, read-in) [N / 2] of every feature at first.

    "legs" is HiPPO-N with LegS' own read-in √(2n + 1), whole and not halved as its
    limit has it, and no larger than 2 (the authors' clip, of imaginary parts, which
    hangs on the phases of eigenvectors; of sizes it does not).
    """
    size = config.state_size
    if config.init == "legs":
        values, _, inverse = diagonalise_hippo(size, blocks=1, conjugate_symmetry=True)
        read_in = inverse @ np.sqrt(2 * np.arange(size) + 1)
        return values, read_in * np.minimum(1, LARGEST / np.abs(read_in))
    frequencies = s4d_frequencies(f"s4d_{config.init}", size)
    return -0.5 - 1j * frequencies, np.ones(size // 2)
