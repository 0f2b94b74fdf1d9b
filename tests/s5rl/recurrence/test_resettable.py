"""The laws of `resettable`, over several operators: it lifts any associative one.

mutant                              | the test that failed: test_…
----------------------------------- | ----------------------------------------
the flag of the right alone is kept | stays_associative
where replaced by a product         | what_it_drops_may_be_anything
combines right with left            | a_scan_restarts_at_every_flag
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl import resettable

T, B, P = 7, 3, 4


def affine(x, y):
    return y[0] * x[0], y[0] * x[1] + y[1]


def matrices(x, y):
    """Products of 2 x 2 matrices that are laid out [..., P]: not commutative."""
    (a, b, c, d), (e, f, g, h) = x, y
    return e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d


def max_plus(x, y):
    return y[0] + x[0], jnp.maximum(y[0] + x[1], y[1])


COMBINES = {"affine": (affine, 2), "matrices": (matrices, 4), "max-plus": (max_plus, 2)}


@pytest.fixture(params=COMBINES)
def case(request, keys):
    """An operator, and how to draw its elements."""
    combine, leaves = COMBINES[request.param]

    def draw(*shape):
        return tuple(jax.random.normal(next(keys), shape) for _ in range(leaves))

    return combine, draw


def test_stays_associative(case, keys):
    combine, draw = case
    add = resettable(combine)
    # All eight combinations of three flags, and elements that a reset must drop.
    flags = np.indices((2, 2, 2)).reshape(3, 8, 1) == 1
    x, y, z = ((draw(8, P), flag) for flag in flags)
    left, right = add(add(x, y), z), add(x, add(y, z))
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        left,
        right,
    )
    np.testing.assert_array_equal(left[1], flags.any(0))


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_what_it_drops_may_be_anything(case, poison):
    combine, draw = case
    add = resettable(combine)
    flags = np.indices((2, 2, 2)).reshape(3, 8, 1) == 1
    x, y, z = draw(8, P), draw(8, P), draw(8, P)
    drops_x = flags[1] | flags[2]
    x = tuple(jnp.where(drops_x, poison, leaf) for leaf in x)
    y = tuple(jnp.where(flags[2], poison, leaf) for leaf in y)
    x, y, z = zip((x, y, z), flags, strict=True)
    for total, _ in (add(add(x, y), z), add(x, add(y, z))):
        assert all(np.isfinite(leaf).all() for leaf in total)
    # Where z is a reset, nothing but z is left.
    for total, kept in zip(add(add(x, y), z)[0], z[0], strict=True):
        np.testing.assert_array_equal(total[flags[2][:, 0]], kept[flags[2][:, 0]])


@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
def test_a_scan_restarts_at_every_flag(case, reverse):
    combine, draw = case
    elements = draw(T, B, P)
    flag = np.random.default_rng(1).random((T, B, 1)) < 0.3
    add = resettable(combine)
    scanned, _ = jax.lax.associative_scan(add, (elements, flag), reverse=reverse)
    order = range(T)[::-1] if reverse else range(T)
    for column in range(B):
        total = None
        for t in order:
            now = tuple(leaf[t, column] for leaf in elements)
            restarts = total is None or flag[t, column, 0]
            total = now if restarts else combine(total, now)
            for got, want in zip(scanned, total, strict=True):
                np.testing.assert_allclose(got[t, column], want, rtol=1e-4, atol=1e-5)
