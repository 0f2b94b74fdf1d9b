"""All states at once: maps compose associatively, so O(log T) parallel steps do.

A step is the map `h -> a * h + b`, or the constant map `h -> b` where a reset stands
(Blelloch, 1990; with the boundary flag: Lu et al., 2023, section 3.1 and appendix A).
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.planes import against, product

Element = TypeVar("Element")


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


# Traced once for layers of one shape, and inlined.
@partial(jax.jit, static_argnames="reverse", inline=True)
def associative(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """[T, B, ...] states, as `reference`; about twice the work, O(log T) deep."""
    first, times = -1 if reverse else 0, product(b)
    seed = times(a[first], entering)
    b = b.at[first].add(jnp.where(against(reset[first], seed), 0, seed))
    flag = against(reset, b)
    scan = partial(jax.lax.associative_scan, reverse=reverse, axis=0)
    if len(a) == 1:
        powers = jnp.broadcast_to(a, (len(b), *a.shape[1:]))
        return scan(partial(_compose_shared, times), (powers, b, flag))[1]
    (_, h), _ = scan(resettable(partial(_compose, times)), ((a, b), flag))
    return h


def _compose(times, left: tuple[Array, Array], right: tuple[Array, Array]):
    """The map `h -> a h + b` of the left, then that of the right."""
    (a_left, b_left), (a_right, b_right) = left, right
    return times(a_right, a_left), times(a_right, b_left) + b_right


def _compose_shared(times, left: tuple[Array, ...], right: tuple[Array, ...]):
    """`resettable(_compose)` for multipliers that all environments share.

    The product of multipliers over a span is only ever read where the span holds no
    reset, and there it is a power of `a` that the span's length decides. So it needs
    neither a flag nor a batch axis, and stays [T, 1, ...].
    """
    (a_left, b_left, left_flag), (a_right, b_right, right_flag) = left, right
    b = jnp.where(right_flag, b_right, times(a_right, b_left) + b_right)
    return times(a_right, a_left), b, left_flag | right_flag
