"""The two forms of a complex array: as such [..., P], and as planes [..., 2, P].

Planes hold real and imaginary parts apart, so that products of real matrices write and
read them and no complex array is made. Which form numbers have is seen from the axes of
inputs b: [T, B, P], or [T, B, 2, P].
"""

import operator
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def planar(b: Array) -> bool:
    """Whether inputs [T, B, ...] are planes."""
    return b.ndim == 4


def product(b: Array) -> Callable[[Array, Array], Array]:
    """How numbers of the form of `b` [T, B, ...] multiply."""
    return times if planar(b) else operator.mul


def times(x: Array, y: Array) -> Array:
    """The product of planes [..., 2, P], which is planes."""
    return jnp.stack(multiply(parts(x), parts(y)), axis=-2)


def multiply(x: tuple[Array, Array], y: tuple[Array, Array]) -> tuple[Array, Array]:
    """The parts of a product, from the parts of its factors."""
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def transposed(a: Array, b: Array) -> Array:
    """Multipliers of the transposed product.

    Of planes, which are vectors of real numbers, multiplying by the conjugate is the
    transposed map; JAX's cotangents of complex numbers transpose without conjugating.
    """
    if not planar(b):
        return a
    real, imaginary = parts(a)
    return jnp.stack([real, -imaginary], axis=-2)


def finite(h: Array, b: Array) -> Array:
    """Whether each number of `h` is finite, in both of its parts."""
    found = jnp.isfinite(h)
    return found.all(axis=-2, keepdims=True) if planar(b) else found


def against(flag: Array, array: Array) -> Array:
    """`flag` with axes of one behind its own, as many as `array` has."""
    return flag.reshape(*flag.shape, *(1,) * (array.ndim - flag.ndim))


def parts(x: Array) -> tuple[Array, Array]:
    """Real and imaginary part of planes [..., 2, P]."""
    return x[..., 0, :], x[..., 1, :]


def to_planes(x: Array) -> Array:
    """[..., 2, P] float from [..., P] complex."""
    return jnp.stack([x.real, x.imag], axis=-2)


def to_complex(x: Array) -> Array:
    """[..., P] complex from [..., 2, P] float."""
    return jax.lax.complex(*parts(x))
