"""What `linear_recurrence` says it works under, beside JAX's derivative of the loop.

`reference` is plain JAX: each transformation of it is JAX's business.

mutant                                    | the test that failed: test_…
----------------------------------------- | ----------------------------------------
the first step knows no a_dot             | forward_mode_equals_the_references
a tangent passes a reset at t = 0         | forward_mode_equals_the_references
the equations do not differentiate `a`    | second_derivatives_equal_the_references
what a reset drops is read                | a_tangent_stays_in_its_segment
the transposed system is solved forwards  | a_gradient_is_taken_of_any_argument_alone
"""

from functools import cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl.recurrence.reference import reference
from tests.s5rl.recurrence import forms

T, B, P, CUT = 4, 2, 2, 2
WAYS = forms.ways("associative", "sequential", "kernel")
METHODS = forms.usual(WAYS)
SELDOM = forms.usual(WAYS, without="kernel")  # laws that are the adjoint's
ARGUMENTS = ("a", "b", "carry", "reset", "all")
MAPS = [
    pytest.param(
        method,
        mapped,
        marks=()
        if mapped == "all" or method in ("associative", "sequential")
        else pytest.mark.slow,
    )
    for method in WAYS
    for mapped in ARGUMENTS
]
CLOSE = {"rtol": 1e-5, "atol": 1e-5}  # float32
RESET = np.array([[True, False], [False, False], [False, True], [False, False]])


def loop(a, b, reset, carry):
    """`linear_recurrence` by the definition."""
    h = reference(a[None, None] if a.ndim == 1 else a, b, reset, carry)
    return h[-1], h


def ways(method):
    """The loop, and what is held to it."""
    return loop, WAYS[method]


def drawn(shared, *, length=T, complex_=True, seed=0):
    """(a, b, carry)."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        parts = rng.normal(size=(2, *shape)).astype(np.float32)
        return parts[0] + 1j * parts[1] if complex_ else parts[0]

    a = normal(P) if shared else normal(length, B, P)
    return np.float32(0.6) * a, normal(length, B, P), normal(B, P)


def energy(run, a, b, carry, reset=RESET):
    """A real number that no argument enters linearly."""
    last, h = run(a, b, reset, carry)
    weights = np.arange(1, h.size + 1, dtype=np.float32).reshape(h.shape)
    return jnp.sum(weights * jnp.sin(h).real) + jnp.sum(jnp.cos(last).real)


@pytest.fixture(params=[True, False], ids=["shared", "per step"])
def shared(request):
    return request.param


@pytest.mark.thinned(6)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [1, T])
def test_forward_mode_equals_the_references(shared, method, length):
    primals, tangents = (drawn(shared, length=length, seed=s) for s in (0, 1))

    @partial(jax.jit, static_argnums=0)
    def moved(run, primals, tangents):
        def run_on(a, b, carry):
            return run(a, b, RESET[:length], carry)

        pushed = jax.jvp(run_on, primals, tangents)
        values, push = jax.linearize(run_on, *primals)
        return pushed, (values, push(*tangents))

    want, got = (moved(run, primals, tangents) for run in ways(method))
    chex.assert_trees_all_close(got, want, **CLOSE)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("method", SELDOM)
@pytest.mark.parametrize("outer", [jax.jacfwd, jax.jacrev])
@pytest.mark.parametrize("inner", [jax.jacfwd, jax.jacrev])
def test_second_derivatives_equal_the_references(shared, method, outer, inner):
    run = WAYS[method]
    got = hessian(run, inner, outer, shared)
    chex.assert_trees_all_close(got, loops_hessian(shared), **CLOSE)


def hessian(run, inner, outer, shared):
    """Every second derivative of the energy."""
    first = inner(partial(energy, run), argnums=(0, 1, 2))
    second = jax.jit(outer(first, argnums=(0, 1, 2)))
    return second(*drawn(shared, complex_=False))


@cache
def loops_hessian(shared):
    return hessian(loop, jax.jacrev, jax.jacfwd, shared)


@pytest.mark.thinned(4)
@pytest.mark.parametrize("method", SELDOM)
def test_a_gradient_is_taken_of_any_argument_alone(shared, method):
    arguments = drawn(shared, complex_=False)

    @partial(jax.jit, static_argnums=0)
    def alone(run, *arguments):
        return [jax.grad(partial(energy, run), i)(*arguments) for i in range(3)]

    want, got = (alone(run, *arguments) for run in ways(method))
    chex.assert_trees_all_close(got, want, **CLOSE)


@pytest.mark.thinned(6)
@pytest.mark.parametrize(("method", "mapped"), MAPS)
def test_a_map_equals_one_after_another(shared, method, mapped):
    """Of values and gradients, mapped over one argument or over all of them."""
    count = 2
    several = [drawn(shared, complex_=False, seed=seed) for seed in range(count)]
    stacked = [np.stack(leaves) for leaves in zip(*several, strict=True)]
    stacked.append(np.stack([RESET, ~RESET]))
    over = [mapped in (name, "all") for name in ARGUMENTS[:-1]]
    arguments = [
        leaf if is_over else leaf[0]
        for leaf, is_over in zip(stacked, over, strict=True)
    ]
    axes = [0 if is_over else None for is_over in over]
    run = WAYS[method]
    both = jax.value_and_grad(partial(energy, run), argnums=(0, 1, 2))
    got = jax.jit(jax.vmap(both, axes))(*arguments)
    one = jax.jit(both)
    for i in range(count):
        alone = one(*(x[i] if o else x for x, o in zip(arguments, over, strict=True)))
        mine = jax.tree.map(lambda leaf: leaf[i], got)  # noqa: B023
        chex.assert_trees_all_close(mine, alone, **CLOSE)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("method", METHODS)
def test_gradients_pass_checkpoints_and_scans(shared, method):
    """Rematerialised, and in chunks of a `lax.scan` that hands the carry on."""
    a, b, carry = drawn(shared, complex_=False)

    def chunks(leaf):
        return leaf.reshape(T // CUT, CUT, *leaf.shape[1:])

    def scanned(a, b, reset, carry):
        per_step = None if a.ndim == 1 else chunks(a)

        def chunk(carry, now):
            a_t, b_t, reset_t = now
            a_t = a if a_t is None else a_t
            return WAYS[method](a_t, b_t, reset_t, carry)

        inputs = per_step, chunks(b), chunks(jnp.asarray(reset))
        last, h = jax.lax.scan(jax.checkpoint(chunk), carry, inputs)
        return last, h.reshape(b.shape)

    @partial(jax.jit, static_argnums=0)
    def gradients(run, *arguments):
        return jax.value_and_grad(partial(energy, run), argnums=(0, 1, 2))(*arguments)

    want, got = (gradients(run, a, b, carry) for run in (loop, scanned))
    chex.assert_trees_all_close(got, want, **CLOSE)


@pytest.mark.thinned(3)
@pytest.mark.parametrize("method", SELDOM)
@pytest.mark.parametrize("poison", [np.nan, np.inf], ids=str)
def test_a_tangent_stays_in_its_segment(shared, method, poison):
    """Forwards, bit for bit; what the lost segment did to `a` is nobody else's."""
    primals, tangents = (drawn(shared, seed=seed) for seed in (0, 1))
    reset = np.zeros((T, B), bool)
    reset[CUT] = True

    @jax.jit
    def moved(primals, tangents):
        def run_on(a, b, carry):
            return WAYS[method](a, b, reset, carry)[1]

        return jax.jvp(run_on, primals, tangents)

    want = moved(primals, tangents)
    lost_b, lost_bar = primals[1].copy(), tangents[1].copy()
    lost_b[0, 0] = lost_bar[1, 0] = poison
    primals = primals[0], lost_b, primals[2]
    tangents = tangents[0], lost_bar, tangents[2]
    got = moved(primals, tangents)
    for mine, clean in zip(got, want, strict=True):
        assert not np.isfinite(mine[CUT - 1, 0]).any()
        np.testing.assert_array_equal(mine[CUT:], clean[CUT:])
        np.testing.assert_array_equal(mine[:, 1:], clean[:, 1:])
