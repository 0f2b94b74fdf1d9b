"""States that decay each at a rate of its own, and what a layer reads of them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Modes(NamedTuple):
    """A layer's memory as modes: what is linear in it and the same in every step.

        x[t] = multiplier x[t-1] + input,    y[t] = Re Σ_n x[t, n] read_out[n] + D u[t]

    Of a layer that computes one of each conjugate pair, `read_out` is doubled: a mode
    stands for both.
    """

    multiplier: Array  # [P] complex64, as the recurrence runs it
    read_out: Array  # [P, H] complex64

    def half_life(self) -> Array:
        """[P] steps after which half of a state is left; infinite where none decays."""
        size = jnp.abs(self.multiplier)
        decay = jnp.where(size < 1, -jnp.log(size), 0)
        return jnp.where(decay > 0, jnp.log(2.0) / decay, jnp.inf)

    def frequency(self) -> Array:
        """[P] cycles a step, 0 to 1/2: of a pair, that of the positive one."""
        return jnp.abs(jnp.angle(self.multiplier)) / (2 * jnp.pi)

    def parts(self, states: Array) -> Array:
        """[..., P, H] what each mode adds to y, of states [..., P]."""
        real, imaginary = states.real[..., None], states.imag[..., None]
        lead = (1,) * (states.ndim - 1)
        matrix = self.read_out.reshape(*lead, *self.read_out.shape)
        return real * matrix.real - imaginary * matrix.imag


def of_planes(multiplier: Array, output_matrix: Array, *, doubled: bool) -> Modes:
    """Modes of a read-out [2, P, H], real and imaginary part."""
    real, imaginary = output_matrix * (2 if doubled else 1)
    return Modes(multiplier, jax.lax.complex(real, imaginary))
