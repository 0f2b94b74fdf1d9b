"""What may not cross a reset, what a call may not cost, and what it refuses.

mutant                                | the test that failed: test_…
------------------------------------- | ----------------------------------------
the adjoint knows no resets           | no_gradient_crosses_a_reset
sequential: flag multiplied           | what_a_reset_drops_may_be_anything
associative: flag multiplied          | a_diverged_segment_diverges_alone
lost states are read                  | what_a_reset_drops_may_be_anything
the adjoint's last multiplier is read | what_a_reset_drops_may_be_anything
T = 1: flag multiplied                | a_single_step_contains_what_it_drops
states stay bfloat16                  | states_accumulate_in_single_precision
the carry returns real                | nothing_recompiles_between_calls
T = 1 takes the scan                  | a_single_step_has_no_scan
either method broadcasts `a`          | shared_multipliers_never_grow_a_...
carry's shape is not checked          | refuses_shapes_that_disagree
reset's dtype is not checked          | refuses_what_it_does_not_know
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

from s5rl import linear_recurrence
from tests.s5rl.recurrence.forms import usual, ways

T, B, P, CUT = 7, 3, 5, 4  # associative scans compile slowly
WAYS = ways("associative", "sequential", "kernel", "auto")
METHODS = usual(WAYS)
SELDOM = usual(WAYS, without="kernel")  # laws that are not the way's
SCANS = {"scan", "while"}


def drawn(shared, length=T):
    """Random complex (a, b, carry), and cotangents (carry_bar, h_bar)."""
    rng = np.random.default_rng(length)

    def normal(*shape):
        return (
            rng.normal(size=(*shape, 2)).astype(np.float32).view(np.complex64)[..., 0]
        )

    a = np.float32(0.5) * (normal(P) if shared else normal(length, B, P))
    return a, normal(length, B, P), normal(B, P), normal(B, P), normal(length, B, P)


@partial(jax.jit, static_argnums=0)
def value_and_gradients(method, a, b, reset, carry, carry_bar, h_bar):
    """h, and the cotangents of a, b and carry."""

    def run(a, b, carry):
        return WAYS[method](a, b, reset, carry)

    (_, h), pullback = jax.vjp(run, a, b, carry)
    return h, *pullback((carry_bar, h_bar))


def reset_at(*steps, length=T):
    return np.isin(np.arange(length), steps)[:, None] & np.ones((1, B), bool)


@pytest.fixture(params=[True, False], ids=["shared", "per step"])
def shared(request):
    return request.param


@pytest.mark.thinned(6)
@pytest.mark.parametrize("method", METHODS)
def test_no_gradient_crosses_a_reset(shared, method):
    a, b, carry, carry_bar, h_bar = drawn(shared)
    h_bar[:CUT] = 0  # only the second segment is looked at
    reset = reset_at(CUT)
    inputs = a, b, reset, carry, carry_bar, h_bar
    _, a_bar, b_bar, c_bar = value_and_gradients(method, *inputs)
    assert not b_bar[:CUT].any() and not c_bar.any()
    assert np.all(b_bar[CUT:] != 0)
    if not shared:
        assert not a_bar[: CUT + 1].any() and np.all(a_bar[CUT + 1 :] != 0)
    # Without the reset, every one of them is reached.
    inputs = a, b, reset & False, carry, carry_bar, h_bar
    _, a_bar, b_bar, c_bar = value_and_gradients(method, *inputs)
    assert all(np.all(bar != 0) for bar in (a_bar, b_bar, c_bar))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf], ids=str)
def test_what_a_reset_drops_may_be_anything(shared, method, poison):
    a, b, carry, carry_bar, h_bar = drawn(shared)
    h_bar[:CUT] = 0
    reset = reset_at(CUT)
    places = {"b": (a, b.copy(), carry), "carry": (a, b, carry.copy())}
    places["b"][1][1, 0, 2] = poison
    places["carry"][2][:] = poison
    if not shared:
        for name, step in (("lost a[0]", 0), ("lost a[2]", 2), ("dropped a", CUT)):
            places[name] = (a.copy(), b, carry)
            places[name][0][step] = poison
    want = value_and_gradients(method, a, b, reset, carry, carry_bar, h_bar)
    for name, (a_now, b_now, c_now) in places.items():
        inputs = a_now, b_now, reset, c_now, carry_bar, h_bar
        h, a_bar, b_bar, c_bar = value_and_gradients(method, *inputs)
        np.testing.assert_array_equal(h[CUT:], want[0][CUT:], err_msg=name)
        # A multiplier that is lost takes along what flows back *through* it.
        after = slice(CUT, None) if name.startswith("lost a") else slice(None)
        shown = slice(None) if shared else after
        np.testing.assert_array_equal(a_bar[shown], want[1][shown], err_msg=name)
        np.testing.assert_array_equal(b_bar[after], want[2][after], err_msg=name)
        if not name.startswith("lost a"):
            np.testing.assert_array_equal(c_bar, want[3], err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_a_diverged_segment_diverges_alone(shared, method):
    """Here all is looked at, and the middle segment of one environment is lost."""
    a, b, carry, carry_bar, h_bar = drawn(shared)
    reset = reset_at(2, CUT)
    want = value_and_gradients(method, a, b, reset, carry, carry_bar, h_bar)
    b, h_bar = b.copy(), h_bar.copy()  # JAX may still be reading the others
    b[2, 1], h_bar[3, 1] = np.inf, np.nan
    got = value_and_gradients(method, a, b, reset, carry, carry_bar, h_bar)
    lost = np.zeros((T, B), bool)
    lost[2:CUT, 1] = True
    for index in (0, 2) if shared else (0, 1, 2):  # a shared a_bar is rightly lost
        np.testing.assert_array_equal(got[index][~lost], want[index][~lost])
        assert not np.isfinite(got[index][3, 1]).any()
    np.testing.assert_array_equal(got[3], want[3])


@pytest.mark.parametrize("poison", [np.nan, np.inf], ids=str)
def test_a_single_step_contains_what_it_drops(shared, poison):
    a, b, carry, carry_bar, h_bar = drawn(shared, length=1)
    reset = np.array([[True, False, False]])
    want = value_and_gradients("auto", a, b, reset, carry, carry_bar, h_bar)
    a, carry = a.copy(), carry.copy()  # JAX may still be reading the others
    carry[0] = poison
    if not shared:
        a[0, 0] = poison
    got = value_and_gradients("auto", a, b, reset, carry, carry_bar, h_bar)
    chex.assert_trees_all_equal(got, want)
    # A step that nobody looks at is not read either: it may come before a reset.
    carry, carry_bar, h_bar = carry.copy(), carry_bar.copy(), h_bar.copy()
    carry[1] = poison
    carry_bar[1] = h_bar[0, 1] = 0
    _, a_bar, _, _ = value_and_gradients("auto", a, b, reset, carry, carry_bar, h_bar)
    assert np.isfinite(a_bar).all()


@pytest.mark.thinned(3)
@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("method", SELDOM)
def test_states_accumulate_in_single_precision(shared, method, length):
    a, b, carry, *_ = drawn(shared, length)
    halved = [jnp.asarray(x.real, jnp.bfloat16) for x in (a, b, carry)]
    wide = [x.astype(jnp.float32) for x in halved]
    reset = reset_at(2, length=length)
    run = jax.jit(WAYS[method])
    got, want = (run(x, y, reset, z) for x, y, z in (halved, wide))
    assert got[1].dtype == jnp.float32
    chex.assert_trees_all_equal(got, want)
    mixed = run(a, halved[1], reset, halved[2])
    assert mixed[0].dtype == mixed[1].dtype == jnp.complex64


@pytest.mark.parametrize("method", SELDOM)
def test_nothing_recompiles_between_calls(shared, method):
    a, b, carry, *_ = drawn(shared, length=4)
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def run(*inputs):
        return WAYS[method](*inputs)

    for step in range(3):
        carry, _ = run(a, b, reset_at(step, length=4), carry)


def equations(jaxpr):
    """Every equation of a jaxpr, those of its inner ones included."""
    for eqn in jaxpr.eqns:
        yield eqn
        for inner in jaxprs_in_params(eqn.params):
            yield from equations(inner)


def traced(method, shared, length):
    """The jaxpr of the value and of all gradients, jitted calls and all."""
    a, b, carry, carry_bar, h_bar = drawn(shared, length)
    inputs = a, b, reset_at(0, length=length), carry, carry_bar, h_bar
    return jax.make_jaxpr(partial(value_and_gradients, method))(*inputs).jaxpr


@pytest.mark.parametrize("method", METHODS)
def test_a_single_step_has_no_scan(shared, method):
    names = {eqn.primitive.name for eqn in equations(traced(method, shared, 1))}
    assert "mul" in names and not names & SCANS
    if not method.startswith(
        "associative"
    ):  # which unrolls: the check above sees scans at all
        names = {eqn.primitive.name for eqn in equations(traced(method, shared, T))}
        assert names & SCANS


def multiplier_sizes(jaxpr, multipliers, data):
    """Sizes of all that is computed from `multipliers` and from none of `data`."""
    multipliers, data = set(multipliers), set(data)
    for eqn in jaxpr.eqns:
        named = [None if hasattr(v, "val") else v for v in eqn.invars]
        for inner in jaxprs_in_params(eqn.params):
            if len(inner.invars) == len(named):
                pairs = [*zip(inner.invars, named, strict=True)]
                below = ([i for i, v in pairs if v in s] for s in (multipliers, data))
                yield from multiplier_sizes(inner, *below)
        if not data.isdisjoint(named):
            data.update(eqn.outvars)
        elif not multipliers.isdisjoint(named):
            multipliers.update(eqn.outvars)
            yield from (v.aval.size for v in eqn.outvars)


@pytest.mark.parametrize("method", METHODS)
def test_shared_multipliers_never_grow_a_batch_axis(method):
    """No array that comes from `a`, with or without `reset`, is as large as b."""

    def largest(shared):
        jaxpr = traced(method, shared, T)
        a, b, _, carry, carry_bar, h_bar = jaxpr.invars
        return max(multiplier_sizes(jaxpr, [a], [b, carry, carry_bar, h_bar]))

    assert largest(shared=True) <= 2 * T * P  # two where they are planes
    assert largest(shared=False) >= T * B * P  # so they would have been seen


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"a": (T, P)}, ValueError, f"a [P] or [T, B, P].*got a ({T}, {P})"),
        ({"b": (T, B)}, ValueError, f"b [T, B, P].*b ({T}, {B})"),
        ({"b": (0, B, P)}, ValueError, f"T > 0.*b (0, {B}, {P})"),
        ({"reset": (B, T)}, ValueError, f"reset [T, B].*reset ({B}, {T})"),
        ({"carry": (B, 1)}, ValueError, f"carry [B, P].*carry ({B}, 1)"),
        ({"carry": (P,)}, ValueError, f"carry [B, P].*carry ({P},)"),
        ({"b": (T, B, 3, P)}, ValueError, f"or [2, P] for P.*b ({T}, {B}, 3, {P})"),
        ({"b": (T, B, 2, P)}, ValueError, f"[2, P] for P in all.*a ({P},)"),
    ],
)
def test_refuses_shapes_that_disagree(change, error, says):
    shapes = {"a": (P,), "b": (T, B, P), "reset": (T, B), "carry": (B, P)} | change
    arrays = {
        k: jnp.zeros(v, bool if k == "reset" else None) for k, v in shapes.items()
    }
    pattern = "".join(f"\\{c}" if c in "[]()" else c for c in says)
    with pytest.raises(error, match=pattern):
        linear_recurrence(**arrays)


def test_refuses_complex_planes():
    shapes = {"a": (2, P), "b": (T, B, 2, P), "carry": (B, 2, P)}
    for wrong in shapes:
        arrays = {
            k: jnp.zeros(v, "complex64" if k == wrong else None)
            for k, v in shapes.items()
        }
        with pytest.raises(TypeError, match=f"{wrong} .*must be real; got complex64"):
            linear_recurrence(reset=jnp.zeros((T, B), bool), **arrays)


def test_refuses_what_it_does_not_know(shared):
    a, b, carry, *_ = drawn(shared)
    with pytest.raises(TypeError, match="reset must be bool; got float32"):
        linear_recurrence(a, b, np.zeros((T, B), np.float32), carry)
    with pytest.raises(ValueError, match=r"one of.*got 'parallel'"):
        linear_recurrence(a, b, reset_at(0), carry, method="parallel")
