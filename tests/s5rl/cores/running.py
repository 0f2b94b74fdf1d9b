"""How laws and oracles run a core: values and gradients, of memory only its floats."""

from functools import partial

import jax
import jax.numpy as jnp


def floats(carry):
    """What of a memory has gradients: not its counts and flags."""
    return [leaf for leaf in jax.tree.leaves(carry) if is_inexact(leaf)]


def is_inexact(leaf):
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def with_floats(carry, leaves):
    leaves = iter(leaves)
    return jax.tree.map(lambda c: next(leaves) if is_inexact(c) else c, carry)


@partial(jax.jit, static_argnums=0)
def run_and_gradients(core, variables, carry, x, reset, carry_bar, y_bar):
    """`(carry, y)`, and the cotangents of variables, the carry's floats and x."""

    def apply(variables, inexact, x):
        last, y = core.apply(variables, with_floats(carry, inexact), x, reset)
        return (floats(last), y), last

    results = jax.vjp(apply, variables, floats(carry), x, has_aux=True)
    (_, y), pullback, last = results
    return (last, y), pullback((carry_bar, y_bar))
