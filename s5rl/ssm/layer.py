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
    log_step              [P]        log Δ
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from s5rl.config import S5Config
from s5rl.recurrence import linear_recurrence
from s5rl.ssm.hippo import diagonalise_hippo

MIN_DECAY = 1e-4  # as S5's own clip: no state outlives any episode

Parameters = dict[str, Array]


def initialise(key: Array, features: int, config: S5Config) -> Parameters:
    """Draws one layer's parameters: HiPPO-N eigenvalues, and B and C in their basis.

    B and C are drawn for the dense system [N, H] and [H, N] and then rotated, so the
    layer starts as a HiPPO-N state space with random read-in and read-out.
    `key` is consumed.
    """
    eigenvalues, basis, inverse = diagonalise_hippo(
        config.state_size,
        blocks=config.blocks,
        conjugate_symmetry=config.conjugate_symmetry,
    )
    b_key, c_key, d_key, step_key = jax.random.split(key, 4)
    lecun = jax.nn.initializers.lecun_normal()
    dense_b = lecun(b_key, (features, config.state_size), jnp.float32)
    read_in = dense_b.astype(jnp.complex64) @ inverse.T.astype(jnp.complex64)
    if config.c_init == "complex_normal":
        shape = (config.num_states, features)
        read_out = jax.random.normal(c_key, shape, jnp.complex64)
    else:
        dense_c = lecun(c_key, (config.state_size, features), jnp.float32)
        read_out = basis.T.astype(jnp.complex64) @ dense_c.astype(jnp.complex64)
    log_step = jax.random.uniform(
        step_key,
        (config.num_states,),
        minval=jnp.log(config.dt_min),
        maxval=jnp.log(config.dt_max),
    )
    return {
        "eigenvalue_decay": jnp.log(
            jnp.asarray(-np.real(eigenvalues) - MIN_DECAY, jnp.float32)
        ),
        "eigenvalue_frequency": jnp.asarray(np.imag(eigenvalues), jnp.float32),
        "input_matrix": jnp.stack([jnp.real(read_in), jnp.imag(read_in)]),
        "output_matrix": jnp.stack([jnp.real(read_out), jnp.imag(read_out)]),
        "feedthrough": jax.random.normal(d_key, (features,)),
        "log_step": log_step,
    }


def eigenvalues(parameters: Parameters) -> Array:
    """[P] complex64 Λ, whose real part is below -MIN_DECAY whatever the parameters."""
    decay = jnp.exp(parameters["eigenvalue_decay"]) + MIN_DECAY
    return jax.lax.complex(-decay, parameters["eigenvalue_frequency"])


def discretise(
    eigenvalue: Array, step: Array, *, discretization: str = "zoh"
) -> tuple[Array, Array]:
    """Turns x' = Λ x + B̃ u into x[t] = multiplier x[t-1] + gain (B̃ u[t]).

    "zoh" holds u constant over a step (equation 6); "bilinear" is the trapezoidal rule
    (Tustin). Returning a gain per state, and not B̄, leaves B̃ untouched: discretising
    costs O(P), too little to be worth hoisting out of a rollout.

    Args:
      eigenvalue: [P] complex Λ.
      step: [P] real Δ > 0.
      discretization: "zoh" or "bilinear".

    Returns:
      `(multiplier, gain)`, both [P] complex.
    """
    step = step.astype(eigenvalue.dtype)
    scaled = eigenvalue * step
    if discretization == "zoh":
        # expm1 keeps the digits that exp(ΛΔ) - 1 loses when a step is short.
        return jnp.exp(scaled), jnp.expm1(scaled) / eigenvalue
    inverse = 1 / (1 - scaled / 2)
    return inverse * (1 + scaled / 2), inverse * step


def apply(
    parameters: Parameters, carry: Array, u: Array, reset: Array, *, config: S5Config
) -> tuple[Array, Array]:
    """Runs one layer over a chunk; resets wherever `reset` says.

    Products with B̃ and C̃ are taken as real products of their two parts, in
    `config.dtype`; the states in between are complex64.

    Args:
      parameters: as `initialise` draws them.
      carry: [B, P] complex64 state before u[0].
      u: [T, B, H] inputs.
      reset: [T, B] bool.
      config: as the parameters were drawn with.

    Returns:
      `(carry, y)`: the state after u[-1], and y [T, B, H] in `config.dtype`.
    """
    dtype = jnp.dtype(config.dtype)
    multiplier, gain = discretise(
        eigenvalues(parameters),
        jnp.exp(parameters["log_step"]),
        discretization=config.discretization,
    )
    u = u.astype(dtype)
    b_real, b_imaginary = parameters["input_matrix"].astype(dtype)
    b = gain[None, None] * jax.lax.complex(
        (u @ b_real).astype(jnp.float32), (u @ b_imaginary).astype(jnp.float32)
    )
    carry, x = linear_recurrence(multiplier, b, reset, carry, method=config.method)
    c_real, c_imaginary = parameters["output_matrix"].astype(dtype)
    y = x.real.astype(dtype) @ c_real - x.imag.astype(dtype) @ c_imaginary
    if config.conjugate_symmetry:
        y = 2 * y  # the mirrored half contributes the complex conjugate
    return carry, y + parameters["feedthrough"].astype(dtype)[None, None] * u
