"""Both forms of numbers under one signature, so that each law is stated once."""

from functools import partial

import jax.numpy as jnp
import pytest

from s5rl import linear_recurrence
from s5rl.recurrence.planes import to_complex


def on_planes(run, a, b, reset, carry):
    """`run` over real and imaginary parts apart; takes and gives what it would alone.

    Real numbers have imaginary parts of zero, which stay zero.
    """
    planes = [jnp.stack([jnp.real(x), jnp.imag(x)], axis=-2) for x in (a, b, carry)]
    results = run(*planes[:2], reset, planes[2])
    if jnp.iscomplexobj(b) or jnp.iscomplexobj(a):
        return tuple(map(to_complex, results))
    return tuple(x[..., 0, :] for x in results)


def ways(*methods):
    """{name: run} of each method, over numbers and over their planes."""
    alone = {m: partial(linear_recurrence, method=m) for m in methods}
    apart = {f"{m}, planes": partial(on_planes, run) for m, run in alone.items()}
    return alone | apart


def usual(names, *, without=None):
    """Names of ways, as parameters of a law: by default each, and one over planes.

    Others over planes, and what is left out, are marked slow.
    """
    slow = {name for name in names if name.endswith("planes")} - {"sequential, planes"}
    return [
        pytest.param(name, marks=pytest.mark.slow if name in slow | {without} else ())
        for name in names
    ]
