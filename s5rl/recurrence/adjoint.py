"""The recurrence's derivative, either way in time: the same recurrence once more.

A tangent d of the states flows as they do, from the first step to the last:

    d[t] = a[t] * (0 if reset[t] else d[t-1]) + b_dot[t] + a_dot[t] * h[t-1]

A cotangent flows back, from the last step to the first:

    g[t] = h_bar[t] + a[t+1] * (0 if reset[t+1] else g[t+1])

with b_bar = g, and a_bar[t] = g[t] * h[t-1] wherever no reset stands at t. Both read
the states already computed: nothing inside a scan is stored. JAX's cotangents of
complex numbers transpose without conjugating; planes are real, and their transposed
product is by the conjugate.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from s5rl.recurrence.planes import against, finite, product, transposed


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def states(
    way: Callable[..., Array], a: Array, b: Array, reset: Array, carry: Array
) -> Array:
    """[T, B, ...] states, as `way` computes them; all but `reset` are of one dtype."""
    return way(a, b, reset, carry)


@states.defjvp
def _tangent(way, primals, tangents):
    a, b, reset, carry = primals
    a_dot, b_dot, _, carry_dot = tangents
    h, times = states(way, *primals), product(b)
    first = against(reset[0], carry)
    # Selected on both sides of the product: either is the outer one when transposed.
    entering = jnp.where(first, 0, times(a[0], jnp.where(first, 0, carry_dot)))
    entering = entering + times(a_dot[0], _read(carry, reset[0], b))
    later = a_dot if len(a) == 1 else a_dot[1:]
    later = times(later, _read(h[:-1], reset[1:], b))
    return h, _respond(way, a, reset, b_dot.at[1:].add(later).at[0].add(entering))


def _read(before: Array, reset: Array, b: Array) -> Array:
    """The states that a multiplier meets: none at a reset, and none that is lost.

    Where a loss looks at a lost state, its cotangent is lost as well; where none does,
    0 * NaN would spoil the gradient of an `a` that all segments share.
    """
    return jnp.where(~against(reset, before) & finite(before, b), before, 0)


def _respond(way, a: Array, reset: Array, drive: Array) -> Array:
    """The states that `drive` leaves behind, from none: linear in it.

    Given as the solution of a linear system, so that JAX asks for the solution of the
    transposed system where it would transpose a scan operation by operation. That
    holds at any order and under any transformation.
    """

    def equations(d):
        earlier = jnp.concatenate([jnp.zeros_like(d[:1]), d[:-1]])
        return d - jnp.where(against(reset, d), 0, product(d)(a, earlier))

    def forwards(_, drive):
        return way(a, drive, reset, jnp.zeros_like(drive[0]))

    def backwards(_, bar):
        # Nothing enters after the last step: the reset there keeps its multiplier,
        # which stands for none, from being read: a NaN times zero.
        next_reset = jnp.concatenate([reset[1:], jnp.ones_like(reset[:1])])
        next_a = a if len(a) == 1 else jnp.concatenate([a[1:], a[:1]])
        next_a = transposed(next_a, bar)
        return way(next_a, bar, next_reset, jnp.zeros_like(bar[0]), reverse=True)

    return jax.lax.custom_linear_solve(equations, drive, forwards, backwards)
