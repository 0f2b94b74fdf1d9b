"""The laws of `linear_recurrence`: every method, multipliers shared and per step.

Containment, cost and errors are in `test_containment.py`, what may be done with it in
`test_transformations.py`.

    mutant                                  | the test that failed: test_…
    --------------------------------------- | ----------------------------------------
    a reset drops the input of its step too | equals_the_defining_equation
    a_bar reads h[t] for h[t-1]             | gradients_equal_the_defining_equations
    the adjoint stops one step too early    | gradients_equal_the_defining_equations
    carry_bar passes a reset at t = 0       | gradients_equal_the_defining_equations
    a_bar conjugates the state              | gradients_equal_finite_differences
    the associative scan forgets the carry  | chunking_is_invisible
    the left element's flag is read         | a_packed_batch_equals_its_segments_alone
    environment 0's reset is everybody's    | environments_do_not_meet
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl.recurrence.reference import reference
from tests.s5rl.recurrence.forms import on_planes, usual, ways

T, B, P = 7, 3, 5  # associative scans compile slowly
CLOSE = {"rtol": 2e-5, "atol": 2e-5}  # float32, T steps of |a| < 1
DTYPES = {
    "real": (jnp.float32, jnp.float32),
    "complex": (jnp.complex64, jnp.complex64),
    "mixed": (jnp.float32, jnp.complex64),  # of the multipliers, and of the rest
}


def plain(a, b, reset, carry):
    """The package's own definition, which has to keep its laws too."""
    with jax.numpy_dtype_promotion("standard"):
        h = reference(a if a.ndim == b.ndim else a[None, None], b, reset, carry)
    return h[-1], h


# One compilation serves all tests that agree on shapes.
WAYS = ways("associative", "sequential", "kernel", "auto")
WAYS |= {"reference": plain, "reference, planes": partial(on_planes, plain)}
RUN = {name: jax.jit(run) for name, run in WAYS.items()}
METHODS = usual(RUN)
SELDOM = usual(RUN, without="kernel")  # what another law implies
OF_DTYPES = [
    pytest.param(
        method,
        dtypes,
        id=f"{name}-{method}",
        marks=()
        if name == "complex" or method in ("associative", "sequential", "reference")
        else pytest.mark.slow,
    )
    for name, dtypes in DTYPES.items()
    for method in RUN
]


def gradients(run, a, b, reset, carry, carry_bar, h_bar):
    """The cotangents of a, b and carry, given those of the two results."""
    _, pullback = jax.vjp(lambda a, b, c: run(a, b, reset, c), a, b, carry)
    return pullback((carry_bar, h_bar))


GRADIENTS = {m: jax.jit(partial(gradients, RUN[m])) for m in RUN}


def defining_equation(a, b, reset, carry):
    """The oracle: one step after another in double precision; also what entered."""
    a = np.broadcast_to(a, b.shape).astype(np.complex128)
    h, states, entered = np.asarray(carry, np.complex128), [], []
    for t in range(len(b)):
        entered.append(np.where(reset[t][:, None], 0, h))
        h = a[t] * entered[t] + np.asarray(b[t], np.complex128)
        states.append(h)
    return h, np.stack(states), np.stack(entered)


def defining_gradients(a, b, reset, carry, carry_bar, h_bar):
    """The oracle's cotangents, by the chain rule through one step after another."""
    entered = defining_equation(a, b, reset, carry)[2]
    every_a = np.broadcast_to(a, b.shape).astype(np.complex128)
    g, a_bar, b_bar = np.asarray(carry_bar, np.complex128), [], []
    for t in reversed(range(len(b))):
        g = g + np.asarray(h_bar[t])
        b_bar.insert(0, g)
        a_bar.insert(0, g * entered[t])
        g = np.where(reset[t][:, None], 0, every_a[t] * g)
    a_bar = np.sum(a_bar, (0, 1)) if a.ndim == 1 else np.stack(a_bar)
    return a_bar if jnp.iscomplexobj(a) else a_bar.real, np.stack(b_bar), g


def resets(length):
    """The patterns that a law has to survive; the carry is never zero."""
    pattern = np.random.default_rng(length).random((length, B)) < 0.3
    start = np.arange(length)[:, None] == np.zeros((1, B))
    return {
        "none": np.zeros_like(pattern),
        "all": np.ones_like(pattern),
        "start": start,
        "random": pattern,
        "random and start": pattern | start,
    }


def pieces(a, b, reset, cuts):
    """The chunks (a, b, reset) that begin at 0 and at each of `cuts`."""
    edges = [*zip((0, *cuts), (*cuts, len(b)), strict=True)]
    return [(a if a.ndim == 1 else a[i:j], b[i:j], reset[i:j]) for i, j in edges]


@pytest.fixture(params=["shared", "per step"])
def shared(request):
    return request.param == "shared"


@pytest.fixture
def draw(keys, shared):
    """Draws (a, b, carry) and cotangents (carry_bar, h_bar)."""

    def normal(shape, dtype):
        return jax.random.normal(next(keys), shape, dtype)

    def sample(length=T, dtypes=DTYPES["complex"]):
        a = normal((P,) if shared else (length, B, P), dtypes[0])
        a = 0.95 * a / jnp.maximum(1, jnp.abs(a)).astype(a.dtype)
        shapes = (length, B, P), (B, P), (B, P), (length, B, P)
        b, carry, carry_bar, h_bar = (normal(s, dtypes[1]) for s in shapes)
        return a, b, carry, (carry_bar, h_bar)

    return sample


@pytest.mark.thinned(8)
@pytest.mark.parametrize(("method", "dtypes"), OF_DTYPES)
def test_equals_the_defining_equation(draw, method, dtypes):
    for length in (1, 4, T):
        a, b, carry, _ = draw(length, dtypes)
        for name, reset in resets(length).items():
            want = defining_equation(a, b, reset, carry)[:2]
            got = RUN[method](a, b, reset, carry)
            assert got[1].dtype == got[0].dtype == b.dtype
            for w, g in zip(want, got, strict=True):
                np.testing.assert_allclose(g, w, **CLOSE, err_msg=f"{length} {name}")
            np.testing.assert_array_equal(got[0], got[1][-1])


@pytest.mark.thinned(8)
@pytest.mark.parametrize(("method", "dtypes"), OF_DTYPES)
def test_gradients_equal_the_defining_equations(draw, method, dtypes):
    for length in (1, T):
        a, b, carry, bars = draw(length, dtypes)
        for name, reset in resets(length).items():
            want = defining_gradients(a, b, reset, carry, *bars)
            got = GRADIENTS[method](a, b, reset, carry, *bars)
            for w, g in zip(want, got, strict=True):
                np.testing.assert_allclose(g, w, **CLOSE, err_msg=f"{length} {name}")


@pytest.mark.thinned(3)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_equal_finite_differences(draw, keys, method):
    *arrays, (carry_bar, h_bar) = draw()
    reset = resets(T)["random"]
    directions = [jax.random.normal(next(keys), x.shape, x.dtype) for x in arrays]

    def moved(by):
        a, b, c = (
            np.asarray(x, np.complex128) + by * np.asarray(d)
            for x, d in zip(arrays, directions, strict=True)
        )
        carry, h, _ = defining_equation(a, b, reset, c)
        return np.vdot(np.conj(carry_bar), carry) + np.vdot(np.conj(h_bar), h)

    a, b, c = arrays
    found = GRADIENTS[method](a, b, reset, c, carry_bar, h_bar)
    slope = sum(jnp.sum(g * d) for g, d in zip(found, directions, strict=True))
    np.testing.assert_allclose(slope, (moved(1e-6) - moved(-1e-6)) / 2e-6, rtol=1e-4)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("method", SELDOM)
@pytest.mark.parametrize("cuts", [(3,), range(1, T)], ids=["two", "single steps"])
def test_chunking_is_invisible(draw, method, cuts):
    a, b, carry, (carry_bar, h_bar) = draw()
    reset = resets(T)["random"]
    chunks, entering, states = pieces(a, b, reset, cuts), [carry], []
    for chunk in chunks:
        carry, h = RUN[method](*chunk, entering[-1])
        entering.append(carry)
        states.append(h)
    whole = RUN[method](a, b, reset, entering[0])
    chex.assert_trees_all_close((carry, jnp.concatenate(states)), whole, **CLOSE)

    bars, a_bars, b_bars = carry_bar, [], []
    for i in reversed(range(len(chunks))):
        now = h_bar[0 if i == 0 else cuts[i - 1] :][: len(chunks[i][1])]
        a_bar, b_bar, bars = GRADIENTS[method](*chunks[i], entering[i], bars, now)
        a_bars.insert(0, a_bar)
        b_bars.insert(0, b_bar)
    a_bar = sum(a_bars) if a.ndim == 1 else jnp.concatenate(a_bars)
    want = GRADIENTS[method](a, b, reset, entering[0], carry_bar, h_bar)
    got = a_bar, jnp.concatenate(b_bars), bars
    chex.assert_trees_all_close(got, want, **CLOSE)


@pytest.mark.thinned(3)
@pytest.mark.parametrize("method", SELDOM)
def test_a_packed_batch_equals_its_segments_alone(draw, method):
    a, b, carry, (_, h_bar) = draw()
    starts = (0, 3, 4)
    reset = np.zeros((T, B), bool)
    reset[list(starts)] = True
    _, packed = RUN[method](a, b, reset, carry)
    packed_bar = GRADIENTS[method](a, b, reset, carry, 0 * carry, h_bar)[1]
    reset = np.zeros((T, B), bool)  # a new one: JAX may still be reading the other
    for start, part in zip(starts, pieces(a, b, reset, starts[1:]), strict=True):
        here = slice(start, start + len(part[1]))
        alone = RUN[method](*part, 0 * carry)[1]
        np.testing.assert_allclose(packed[here], alone, **CLOSE)
        bar = GRADIENTS[method](*part, 0 * carry, 0 * carry, h_bar[here])[1]
        np.testing.assert_allclose(packed_bar[here], bar, **CLOSE)


@pytest.mark.parametrize("method", METHODS)
def test_environments_do_not_meet(draw, method):
    a, b, carry, _ = draw()
    reset, order = resets(T)["random"], np.array([2, 0, 1])
    _, h = RUN[method](a, b, reset, carry)
    shuffled = a if a.ndim == 1 else a[:, order]
    _, got = RUN[method](shuffled, b[:, order], reset[:, order], carry[order])
    np.testing.assert_array_equal(got, h[:, order])
