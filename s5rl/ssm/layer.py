"""The S5 layer's mathematics, as pure functions of arrays (Smith et al., 2023).

    x'(t) = Λ x(t) + B̃ u(t),   y(t) = Re(C̃ x(t)) + D u(t)        (equations 1 and 5)

A diagonal, complex, multi-input multi-output state space. It is discretised into a
linear recurrence, which `s5rl.linear_recurrence` runs and resets. Axes: T time, B
environments, H features, P complex states.

Parameters are real, so that every optimiser accepts them:

    eigenvalue_decay      [P]        Re(Λ) = -exp(.) - MIN_DECAY, always negative
    eigenvalue_frequency  [P]        Im(Λ)
    input_matrix          [2, H, P]  real and imaginary part of B̃, transposed
    output_matrix         [2, P, H]  real and imaginary part of C̃, transposed
    feedthrough           [H]        D
    log_step              [P]        log Δ; of legs_ptd [J], one a block
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from s5rl.config.spaces import S5Config
from s5rl.recurrence import linear_recurrence
from s5rl.recurrence.planes import times, to_complex, to_planes
from s5rl.recurrence.rounding import product, rounded
from s5rl.ssm.bases import diagonalise
from s5rl.ssm.discretise import MIN_DECAY, discretise, eigenvalues

Parameters = dict[str, Array]
FEW = (
    4  # times as many rows cost as much as transposing the matrix (docs/performance.md)
)


def initialise(key: Array, features: int, config: S5Config) -> Parameters:
    """Draws one layer's parameters, in the eigenbasis of its state matrix.

    B and C are drawn for the dense system [N, H] and [H, N] and then transformed, so
    the layer starts as the state space of `config.init` with random real read-in
    and read-out. `key` is consumed.

    Compiled, so that flax, which traces it at every call of a module to compare shapes,
    finds the trace of the first. Not where the range of steps is itself traced, for
    then a configuration is no constant.
    """
    if isinstance(config.dt_min, Array) or isinstance(config.dt_max, Array):
        return _drawn(key, features, config)
    return _compiled(key, features, config)


def _drawn(key: Array, features: int, config: S5Config) -> Parameters:
    values, basis, inverse = diagonalise(
        config.init,
        config.state_size,
        blocks=config.blocks,
        halved=config.halved,
        epsilon=config.epsilon,
    )
    b_key, c_key, d_key, step_key = jax.random.split(key, 4)
    lecun = jax.nn.initializers.lecun_normal()
    dense_b = lecun(b_key, (features, config.state_size), jnp.float32)
    read_in = dense_b.astype(jnp.complex64) @ inverse.T.astype(np.complex64)
    if config.c_init == "complex_normal":
        shape = (config.num_states, features)
        read_out = jax.random.normal(c_key, shape, jnp.complex64)
    else:
        dense_c = lecun(c_key, (config.state_size, features), jnp.float32)
        read_out = basis.T.astype(np.complex64) @ dense_c.astype(jnp.complex64)
    log_step = jax.random.uniform(
        step_key,
        (config.num_step_sizes,),
        jnp.float32,
        minval=jnp.log(config.dt_min),
        maxval=jnp.log(config.dt_max),
    )
    return {
        "eigenvalue_decay": jnp.log(
            jnp.asarray(-np.real(values) - MIN_DECAY, jnp.float32)
        ),
        "eigenvalue_frequency": jnp.asarray(np.imag(values), jnp.float32),
        "input_matrix": jnp.stack([jnp.real(read_in), jnp.imag(read_in)]),
        "output_matrix": jnp.stack([jnp.real(read_out), jnp.imag(read_out)]),
        "feedthrough": jax.random.normal(d_key, (features,), jnp.float32),
        "log_step": log_step,
    }


_compiled = jax.jit(_drawn, static_argnames=("features", "config"))


def apply(
    parameters: Parameters,
    carry: Array,
    u: Array,
    reset: Array,
    *,
    config: S5Config,
    initial: Array | None = None,
) -> tuple[Array, Array]:
    """Runs one layer over a chunk; resets wherever `reset` says.

    States are planes, real and imaginary parts apart, float32: one real product with
    [B̃_re | B̃_im] writes what drives them, one with [C̃_re; -C̃_im] reads them, both in
    `config.dtype`. No complex array is made but the carry.

    Args:
      parameters: as `initialise` draws them.
      carry: [B, P] complex64 state before u[0].
      u: [T, B, H] inputs.
      reset: [T, B] bool.
      config: as the parameters were drawn with.
      initial: [P] complex64 state that opens every segment; zeros where None.

    Returns:
      `(carry, y)`: the state after u[-1], and y [T, B, H] in `config.dtype`.
    """
    dtype = jnp.dtype(config.dtype)
    multiplier, gain = recurrence(parameters, config)
    u = rounded(u, dtype)
    after, states = linear_recurrence(
        to_planes(multiplier),
        _driven(u, parameters["input_matrix"], to_planes(gain)),
        reset,
        to_planes(carry),
        initial=None if initial is None else to_planes(initial),
        method=config.method,
    )
    y = _read(states, parameters["output_matrix"], dtype)
    if config.halved:
        y = 2 * y  # the mirrored half contributes the complex conjugate
    y = y + parameters["feedthrough"][None, None] * u.astype(jnp.float32)
    return to_complex(after), rounded(y, dtype)


def recurrence(parameters: Parameters, config: S5Config) -> tuple[Array, Array]:
    """`(multiplier, gain)` [P] complex64: the recurrence that a layer runs."""
    step = jnp.exp(parameters["log_step"])
    if config.num_step_sizes != config.num_states:
        step = jnp.repeat(step, config.num_states // config.num_step_sizes)
    return discretise(
        eigenvalues(parameters), step, discretization=config.discretization
    )


def _driven(u: Array, input_matrix: Array, gain: Array) -> Array:
    """Planes [T, B, 2, P] float32 of gain (B̃ u), by one product.

    The gain multiplies the matrix or what it gives, whichever has fewer rows: the
    matrix has H, and T B are read. Where these are few, as in acting, the planes of the
    matrix are read where they lie, by a product each: transposing it costs more.

    In 16 bits the gain always multiplies what the matrix gives: another matrix would be
    rounded otherwise, and acting would not agree with replaying.
    """
    length, batch, width = u.shape
    rows = u.reshape(length * batch, width)
    if FEW * len(rows) <= width:
        planes = product(
            jnp.broadcast_to(rows, (2, *rows.shape)), input_matrix, u.dtype
        )
        drive = times(gain[None], jnp.swapaxes(planes, 0, 1))
        return drive.reshape(length, batch, 2, -1)
    folded = len(rows) > width and u.dtype == jnp.float32
    matrix = jnp.swapaxes(input_matrix, 0, 1)  # [H, 2, P]
    matrix = times(gain[None], matrix) if folded else matrix
    drive = product(rows, matrix.reshape(width, -1), u.dtype)
    drive = drive.reshape(length, batch, 2, -1)
    return drive if folded else times(gain[None, None], drive)


def _read(states: Array, output_matrix: Array, dtype: Any) -> Array:
    """Re(C̃ x), [T, B, H] float32, of planes [T, B, 2, P], by one product."""
    length, batch = states.shape[:2]
    real, imaginary = output_matrix
    matrix = jnp.concatenate([real, -imaginary])
    y = product(states.reshape(length * batch, -1), matrix, dtype)
    return y.reshape(length, batch, -1)
