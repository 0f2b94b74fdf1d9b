"""From a state space in continuous time to a linear recurrence (Smith et al., 2023)."""

import jax
import jax.numpy as jnp
from jax import Array

MIN_DECAY = 1e-4  # as S5's own clip: no state outlives any episode


def eigenvalues(parameters: dict[str, Array]) -> Array:
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
