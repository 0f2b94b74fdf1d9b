"""Linear recurrences that restart inside a sequence. May import nothing of ours.

    h[t] = a[t] * (0 if reset[t] else h[t-1]) + b[t],      h[-1] = carry

`reset[t]` marks step t as the first of its segment: the state *entering* step t is
dropped, the input *of* step t is kept. Axes: T time (always axis 0), B parallel
environments, P state features.

`linear_recurrence` and `resettable` are what others use, and `why` says what "auto" is.
A file each way to compute the states, all of one signature and equal to `reference`;
`choice` has their measurements; `adjoint` is their derivative.
"""

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.adjoint import states
from s5rl.recurrence.associative import associative, resettable
from s5rl.recurrence.choice import METHODS, settled, why
from s5rl.recurrence.planes import against, planar, product
from s5rl.recurrence.sequential import sequential, single
from s5rl.recurrence.varying import vary_alike

__all__ = ["METHODS", "linear_recurrence", "resettable", "why"]


def linear_recurrence(
    a: Array,
    b: Array,
    reset: Array,
    carry: Array,
    *,
    initial: Array | None = None,
    method: str = "auto",
) -> tuple[Array, Array]:
    """Runs the recurrence above over one chunk, which may hold many segments.

    States accumulate in at least float32 (complex64) whatever the inputs come in. A
    state that a reset drops is deselected, never multiplied by zero: NaN and Inf stay
    in their segment, in the states and in the gradients of `b`, `carry` and of `a`
    [T, B, P]. The gradient of `a` [P] is a sum over segments: it is lost if one of
    them is, unless nothing flows back to that one.

    Complex numbers come in either of two forms: as complex arrays, or as planes, their
    real and imaginary parts apart, [2, P] for P in every argument and result. Planes
    are real to JAX: their gradients are those of their parts.

    Works under `jax.jit`, `vmap`, `lax.scan` and `checkpoint`. Differentiable in `a`,
    `b` and `carry`: in reverse mode (`grad`, `vjp`, `jacrev`), forward mode (`jvp`,
    `linearize`, `jacfwd`), and one over the other to any order (`hessian`). Each
    derivative is the same recurrence once more, over the states already computed:
    nothing inside a scan is stored. Works inside `jax.shard_map`, with B or P divided
    among devices: the gradient of what is alike on all of them is summed over them, as
    JAX does for its own operations. T must be whole.

    Args:
      a: [P], the same at every step and never broadcast to [T, B, P]; or [T, B, P].
      b: [T, B, P] inputs, real or complex; or planes [T, B, 2, P].
      reset: [T, B] bool, True where a segment starts.
      carry: [B, P] state left by the previous chunk; zeros if there is none.
      initial: [P] state that opens every segment in place of zeros, learned perhaps. It
        enters as part of the input of a segment's first step, so that the operator
        stays what it was. The carry is not replaced: where a sequence opens with its
        first call, set reset[0].
      method: "associative" is O(log T) deep, at about twice the work. "sequential" is
        one `lax.scan`. Both become a single multiply-add when T is 1.
        "kernel" is two launches on an NVIDIA GPU, near the speed of its memory, for
        float32 and complex64. Where it is compiled for a CPU it is interpreted: right,
        and slower than any other. Complex arrays are split into real and imaginary
        parts for it, which costs more than it does.
        "auto" is the fastest that can serve, by a table of measurements
        (`s5rl.recurrence.choice`): on CPUs "sequential", 3.0 to 5.1 times faster than
        the textbook scan forward and 4.1 to 7.7 with gradients, where "associative" is
        1.4 to 3.3 and 2.0 (`benchmarks/recurrence.py`); elsewhere "associative", 170
        times faster than "sequential" on an H200, or the kernel. `why` tells why.

    Returns:
      `(carry, h)`: h is [T, B, P], and the new carry is h[-1].

    Raises:
      ValueError: if the arguments disagree on T, B or P, or `method` is not known or
        cannot serve here.
      TypeError: if `reset` is not bool.
    """
    _check(a, b, reset, carry)
    given = (a, b, carry) if initial is None else (a, b, carry, initial)
    with jax.numpy_dtype_promotion("standard"):  # in a strict session too
        dtype = jnp.promote_types(jnp.result_type(*given), jnp.float32)
    a, b, carry = a.astype(dtype), b.astype(dtype), carry.astype(dtype)
    a = a if a.ndim == b.ndim else a[None, None]
    if initial is not None:
        if initial.shape != b.shape[2:]:
            axes = "[2, P]" if planar(b) else "[P]"
            raise ValueError(
                f"initial must be {axes} = {b.shape[2:]}; got {initial.shape}."
            )
        opening = product(b)(a, initial.astype(dtype)[None, None])
        b = b + jnp.where(against(reset, b), opening, 0)
    h = states(_way(method, b), *vary_alike(a, b, reset, carry))
    return h[-1], h


def _way(method: str, b: Array):
    way = settled(method, b.shape, b.dtype)
    if len(b) == 1:
        return single  # acting
    if way == "kernel":
        # Imported where it is asked for: Pallas may lack what it is written for.
        from s5rl.recurrence.kernel import kernel

        return kernel
    return {"associative": associative, "sequential": sequential}[way]


def _check(a: Array, b: Array, reset: Array, carry: Array) -> None:
    if not (
        (b.ndim == 3 or (planar(b) and b.shape[2] == 2))
        and b.shape[0] > 0
        and a.shape in (b.shape, b.shape[2:])
        and reset.shape == b.shape[:2]
        and carry.shape == b.shape[1:]
    ):
        raise ValueError(
            "linear_recurrence wants a [P] or [T, B, P], b [T, B, P] with T > 0, "
            "reset [T, B], carry [B, P], or [2, P] for P in all of them; got "
            f"a {a.shape}, b {b.shape}, reset {reset.shape}, carry {carry.shape}."
        )
    if planar(b):
        for name, array in (("a", a), ("b", b), ("carry", carry)):
            if jnp.iscomplexobj(array):
                raise TypeError(
                    f"{name} {array.shape} is taken for real and imaginary parts, "
                    f"[..., 2, P], and must be real; got {array.dtype}."
                )
    if reset.dtype != jnp.bool_:
        raise TypeError(f"reset must be bool; got {reset.dtype}.")
