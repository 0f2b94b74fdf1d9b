"""Linear recurrences that restart inside a sequence.

    h[t] = a[t] * (0 if reset[t] else h[t-1]) + b[t],      h[-1] = carry

`reset[t]` marks step t as the first of its segment: the state *entering* step t is
dropped, the input *of* step t is kept. Axes: T time (always axis 0), B parallel
environments, P state features.

A step is the map `h -> a * h + b`, or the constant map `h -> b` where a reset stands.
Maps compose associatively, so all T states can be had in O(log T) parallel steps
(Blelloch, 1990; with the boundary flag: Lu et al., 2023, section 3.1 and appendix A).
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array

Element = TypeVar("Element")

METHODS = ("associative", "sequential", "kernel", "auto")


def linear_recurrence(
    a: Array, b: Array, reset: Array, carry: Array, *, method: str = "auto"
) -> tuple[Array, Array]:
    """Runs the recurrence above over one chunk, which may hold many segments.

    States accumulate in at least float32 (complex64) whatever the inputs come in. A
    state that a reset drops is deselected, never multiplied by zero: NaN and Inf stay
    in their segment, in the states and in every gradient.

    Differentiable in `a`, `b` and `carry`. The gradient is the same scan run backwards
    over the states already computed: nothing inside a scan is stored.

    Args:
      a: [P], the same at every step and never broadcast to [T, B, P]; or [T, B, P].
      b: [T, B, P] inputs, real or complex.
      reset: [T, B] bool, True where a segment starts.
      carry: [B, P] state left by the previous chunk; zeros if there is none.
      method: "associative" is O(log T) deep, at about twice the work. "sequential" is
        one `lax.scan`. Both become a single multiply-add when T is 1.
        "kernel" is reserved for a fused device kernel; no platform has one yet.
        "auto" is "sequential" on CPU and "associative" elsewhere.
        Measured on 2 CPU cores with [P] multipliers, complex64, as times faster than
        the textbook scan (`benchmarks/recurrence.py`): sequential 3.0 to 5.1 forward
        and 4.1 to 7.7 with gradients, associative 1.4 to 3.3 and 2.0. No accelerator
        has been measured yet; there, log T depth decides for "associative".

    Returns:
      `(carry, h)`: h is [T, B, P], and the new carry is h[-1].

    Raises:
      ValueError: if the arguments disagree on T, B or P, or `method` is not known here.
      TypeError: if `reset` is not bool.
    """
    _check(a, b, reset, carry, method)
    with jax.numpy_dtype_promotion("standard"):  # in a strict session too
        dtype = jnp.promote_types(jnp.result_type(a, b, carry), jnp.float32)
    a, b, carry = a.astype(dtype), b.astype(dtype), carry.astype(dtype)
    if b.shape[0] == 1:
        scan = "step"  # acting
    elif method == "auto":
        scan = "sequential" if jax.default_backend() == "cpu" else "associative"
    else:
        scan = method
    h: Array = _states(scan, a, b, reset, carry)  # type: ignore[assignment]
    return h[-1], h


def resettable(
    combine: Callable[[Element, Element], Element],
) -> Callable[[tuple[Element, Array], tuple[Element, Array]], tuple[Element, Array]]:
    """Makes an associative operator restart at flagged elements, and stay associative.

    For elements `x` paired with flags `f`, the operator returned is

        (x, f) + (y, g)  =  (y if g else combine(x, y),  f | g)

    so a span that holds a reset forgets everything before its last one (Lu et al.,
    2023, section 3.1). It selects with `where`: what is dropped may be NaN or Inf.

    Args:
      combine: associative, over pytrees of arrays; works elementwise over the axes
        that the flags have.

    Returns:
      An operator over `(element, flag)`, ready for `jax.lax.associative_scan`. A flag
      is a bool array that broadcasts against each leaf (give it a trailing axis of 1).
    """

    def flagged(left, right):
        (x, x_flag), (y, y_flag) = left, right
        merged = combine(x, y)
        kept = jax.tree.map(lambda new, old: jnp.where(y_flag, new, old), y, merged)
        return kept, x_flag | y_flag

    return flagged


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _states(method: str, a: Array, b: Array, reset: Array, carry: Array) -> Array:
    """[T, B, P] states of `linear_recurrence`, all of one dtype."""
    return _SCANS[method](a, b, reset, carry)


def _states_forward(method, a, b, reset, carry):
    h = _SCANS[method](a, b, reset, carry)
    return h, (a, reset, carry, h)


def _states_backward(method, residuals, h_bar):
    """The adjoint recurrence, which flows from the last step to the first:

        g[t] = h_bar[t] + a[t+1] * (0 if reset[t+1] else g[t+1])

    Then b_bar = g, and a_bar[t] = g[t] * h[t-1] wherever no reset stands at t. JAX's
    cotangents of complex numbers transpose without conjugating.
    """
    a, reset, carry, h = residuals
    # Nothing enters after the last step: the reset there keeps its multiplier, which
    # stands for none, from being read. Multiplying a zero would read a NaN in a[0].
    next_reset = jnp.concatenate([reset[1:], jnp.ones_like(reset[:1])])
    next_a = a if a.ndim == 1 else jnp.concatenate([a[1:], a[:1]])
    after = jnp.zeros_like(carry)
    g = _SCANS[method](next_a, h_bar, next_reset, after, reverse=True)
    before = jnp.concatenate([carry[None], h[:-1]])
    # Where nothing flows back, nothing is read: 0 * NaN would poison a shared `a`.
    blocked = reset[..., None] | (g == 0)
    a_bar = jnp.where(blocked, 0, g * before)
    carry_bar = jnp.where(reset[0, :, None], 0, _at(a, 0) * g[0])
    return a_bar.sum((0, 1)) if a.ndim == 1 else a_bar, g, None, carry_bar


_states.defvjp(_states_forward, _states_backward)


def _step(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    return (jnp.where(reset[0, :, None], 0, _at(a, 0) * entering) + b[0])[None]


def _sequential(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    def step(h, now):
        a_t, b_t, reset_t = now
        carried = (_at(a, 0) if a_t is None else a_t) * h + b_t
        h = jnp.where(reset_t[:, None], b_t, carried)
        return h, h

    steps = (None if a.ndim == 1 else a, b, reset)
    return jax.lax.scan(step, entering, steps, reverse=reverse)[1]


def _associative(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    first = -1 if reverse else 0
    seed = jnp.where(reset[first, :, None], 0, _at(a, first) * entering)
    b = b.at[first].add(seed)
    flag = reset[..., None]
    scan = partial(jax.lax.associative_scan, reverse=reverse, axis=0)
    if a.ndim == 1:
        powers = jnp.broadcast_to(a, (b.shape[0], 1, a.shape[0]))
        return scan(_compose_shared, (powers, b, flag))[1]
    (_, h), _ = scan(resettable(_compose), ((a, b), flag))
    return h


def _compose(left: tuple[Array, Array], right: tuple[Array, Array]):
    """The map `h -> a h + b` of the left, then that of the right."""
    (a_left, b_left), (a_right, b_right) = left, right
    return a_right * a_left, a_right * b_left + b_right


def _compose_shared(left: tuple[Array, ...], right: tuple[Array, ...]):
    """`resettable(_compose)` for multipliers that all environments share.

    The product of multipliers over a span is only ever read where the span holds no
    reset, and there it is a power of `a` that the span's length decides. So it needs
    neither a flag nor a batch axis, and stays [T, 1, P].
    """
    (a_left, b_left, left_flag), (a_right, b_right, right_flag) = left, right
    b = jnp.where(right_flag, b_right, a_right * b_left + b_right)
    return a_right * a_left, b, left_flag | right_flag


def _at(a: Array, t: int) -> Array:
    """The multipliers of step t, [1, P] or [B, P]."""
    return a[None] if a.ndim == 1 else a[t]


_SCANS = {"associative": _associative, "sequential": _sequential, "step": _step}


def _check(a: Array, b: Array, reset: Array, carry: Array, method: str) -> None:
    if not (
        b.ndim == 3
        and b.shape[0] > 0
        and a.shape in (b.shape, b.shape[-1:])
        and reset.shape == b.shape[:2]
        and carry.shape == b.shape[1:]
    ):
        raise ValueError(
            "linear_recurrence wants a [P] or [T, B, P], b [T, B, P] with T > 0, "
            f"reset [T, B], carry [B, P]; got a {a.shape}, b {b.shape}, "
            f"reset {reset.shape}, carry {carry.shape}."
        )
    if reset.dtype != jnp.bool_:
        raise TypeError(f"reset must be bool; got {reset.dtype}.")
    if method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}; got {method!r}.")
    if method == "kernel":
        raise ValueError(
            'method="kernel" has no kernel on any platform yet; '
            'wanted "associative", "sequential" or "auto".'
        )
