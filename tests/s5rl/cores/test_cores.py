"""The laws of `s5rl.Core`, over every core: what an agent may rely on.

Their values and gradients are compared with float64 in `test_oracles.py`.

    mutant                              | the test that failed: test_…
    ----------------------------------- | ----------------------------------------
    GRU, LSTM: acting ignores reset     | single_steps_equal_one_call
    S5: carries return in reverse order | chunking_is_invisible
    S5: only the first layer resets     | a_packed_batch_equals_its_segments_alone
    LSTM: the cell is not reset         | no_gradient_crosses_a_reset
    GRU, LSTM: flag multiplied          | a_diverged_segment_diverges_alone
    S5: the norm spans the batch        | a_diverged_segment_diverges_alone
    MLP: the input is cleaned inside    | a_lost_input_is_lost_to_the_parameters
    S5: only the first layer resets     | a_reset_forgets_whatever_was_there
    S5: the place in the batch is added | environments_do_not_meet
    S5: the first carry is real         | the_carry_returns_as_it_came
    S5: bfloat16 is returned            | the_carry_returns_as_it_came
    S5: dtype is ignored                | bfloat16_layers_stay_near_single_...
    GRU, LSTM: T = 1 is scanned         | acting_has_no_scan
    a complex parameter                 | parameters_are_real_and_single
    the nearest name is not looked for  | refuses_what_it_does_not_know
"""

from functools import lru_cache, partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import jaxprs_in_params

import s5rl
from tests.s5rl.cores.members import EXACT, LEARNED, ROUNDED, SMALL, members
from tests.s5rl.cores.running import floats, run_and_gradients, with_floats

T, B, H_IN, H = 6, 3, 5, 4
CUT = 3
CLOSE = {"rtol": 2e-4, "atol": 2e-5}  # float32, two layers
CASES = EXACT | ROUNDED


def made(case):
    name, options = CASES[case]
    return s5rl.make_core(name, features=H, **options)


# Of the module, so that what is compiled for a core serves all laws, on one worker.
@pytest.fixture(scope="module", params=members(EXACT))
def core(request):
    return made(request.param)


def filled(tree, rng):
    """Random numbers of the same shapes and dtypes; counts and flags as they are."""

    def fill(leaf):
        parts = rng.normal(size=(2, *leaf.shape))
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            return leaf
        real = jnp.issubdtype(leaf.dtype, jnp.floating)
        return jnp.asarray(parts[0] if real else parts[0] + 1j * parts[1], leaf.dtype)

    return jax.tree.map(fill, tree)


@lru_cache(maxsize=8)
def drawn(core):
    """Variables, a carry that is not zero, inputs, and a cotangent of the output."""
    rng = np.random.default_rng(0)
    x, y_bar = (rng.normal(size=(T, B, h)).astype(np.float32) for h in (H_IN, H))
    # Drawing them as `init` does would take longer to compile than all the laws.
    variables = jax.tree.map(lambda v: v / 2, filled(shapes_of(core), rng))
    # A memory that can be: of five steps, the last two of which are all the second
    # lane has seen since its reset.
    before = rng.normal(size=(T, B, H_IN)).astype(np.float32)
    reset = reset_at() | (np.arange(T)[:, None] == 4) & (np.arange(B) == 1)
    carry, _ = run(core, variables, core.initial_carry(B), before, reset)
    return variables, carry, x, y_bar


def shapes_of(core):
    x, reset = jnp.zeros((1, B, H_IN)), jnp.zeros((1, B), bool)
    return jax.eval_shape(core.init, jax.random.key(1), core.initial_carry(B), x, reset)


def run(core, variables, carry, x, reset):
    """As an agent calls it; compiles what the laws of gradients compile anyway."""
    nothing, y_bar = nothing_of(carry), np.zeros((len(x), B, H), "f")
    return run_and_gradients(core, variables, carry, x, reset, nothing, y_bar)[0]


def nothing_of(carry):
    return jax.tree.map(jnp.zeros_like, floats(carry))


def reset_at(*steps):
    return np.isin(np.arange(T), steps)[:, None] & np.ones((1, B), bool)


def random_reset():
    return np.random.default_rng(3).random((T, B)) < 0.3


@pytest.mark.thinned(6)
def test_single_steps_equal_one_call(core):
    variables, carry, x, _ = drawn(core)
    reset, entering, outputs = random_reset(), carry, []
    for t in range(T):
        carry, y = run(core, variables, carry, x[t : t + 1], reset[t : t + 1])
        outputs.append(y)
    whole = run(core, variables, entering, x, reset)
    chex.assert_trees_all_close((carry, jnp.concatenate(outputs)), whole, **CLOSE)


@pytest.mark.thinned(6)
def test_chunking_is_invisible(core):
    """In the values, and in every gradient once it is passed on through the carry."""
    variables, carry, x, y_bar = drawn(core)
    reset, head, tail = random_reset(), slice(0, CUT), slice(CUT, T)
    last_bar = filled(floats(carry), np.random.default_rng(5))
    whole, bars = run_and_gradients(core, variables, carry, x, reset, last_bar, y_bar)

    middle, _ = run(core, variables, carry, x[head], reset[head])
    (last, y_tail), tail_bars = run_and_gradients(
        core, variables, middle, x[tail], reset[tail], last_bar, y_bar[tail]
    )
    (_, y_head), head_bars = run_and_gradients(
        core, variables, carry, x[head], reset[head], tail_bars[1], y_bar[head]
    )
    chex.assert_trees_all_close(
        (last, jnp.concatenate([y_head, y_tail])), whole, **CLOSE
    )
    summed = jax.tree.map(jnp.add, head_bars[0], tail_bars[0])
    x_bar = jnp.concatenate([head_bars[2], tail_bars[2]])
    chex.assert_trees_all_close((summed, head_bars[1], x_bar), bars, **CLOSE)


@pytest.mark.thinned(2)
def test_a_packed_batch_equals_its_segments_alone(core):
    variables, carry, x, y_bar = drawn(core)
    nothing = nothing_of(carry)
    arguments = variables, carry, x, reset_at(0, CUT), nothing, y_bar
    (last, y), (_, _, x_bar) = run_and_gradients(core, *arguments)
    fresh = core.initial_carry(B)
    for here in (slice(0, CUT), slice(CUT, T)):
        reset = np.zeros((CUT, B), bool)
        alone, bars = run_and_gradients(
            core, variables, fresh, x[here], reset, nothing, y_bar[here]
        )
        np.testing.assert_allclose(y[here], alone[1], **CLOSE)
        np.testing.assert_allclose(x_bar[here], bars[2], **CLOSE)
    chex.assert_trees_all_close(last, alone[0], **CLOSE)


def test_no_gradient_crosses_a_reset(core):
    variables, carry, x, y_bar = drawn(core)
    nothing = nothing_of(carry)
    later = np.where(np.arange(T)[:, None, None] < CUT, 0, y_bar)
    arguments = variables, carry, x, reset_at(CUT), nothing, later
    _, (_, carry_bar, x_bar) = run_and_gradients(core, *arguments)
    assert not any(leaf.any() for leaf in carry_bar)
    assert not x_bar[:CUT].any() and x_bar[CUT:].any()
    if floats(carry):  # without the reset, all are reached
        arguments = variables, carry, x, reset_at(), nothing, y_bar
        _, (_, carry_bar, x_bar) = run_and_gradients(core, *arguments)
        assert all(leaf.any() for leaf in carry_bar)
        assert x_bar.any((1, 2)).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf], ids=str)
def test_a_diverged_segment_diverges_alone(core, poison):
    variables, carry, x, y_bar = drawn(core)
    nothing = nothing_of(carry)

    def after(carry, x):
        arguments = variables, carry, x, reset_at(CUT), nothing, y_bar
        (last, y), (_, _, x_bar) = run_and_gradients(core, *arguments)
        return last, y[CUT:], x_bar[CUT:], y[:, 1:], x_bar[:, 1:]

    want = after(carry, x)
    x = x.copy()  # JAX may still be reading the other
    x[1, 0] = poison  # of the first environment alone
    poisoned = [leaf.at[0].set(poison) for leaf in floats(carry)]
    carry = with_floats(carry, poisoned)
    chex.assert_trees_all_equal(after(carry, x), want)


def test_a_lost_input_is_lost_to_the_parameters(core):
    """Even where the loss ignores its segment: zero cotangents meet it in sums.

    The README says so; with the input made whole before the core, all is finite.
    """
    variables, carry, x, y_bar = drawn(core)
    y_bar = np.where(np.arange(T)[:, None, None] < CUT, 0, y_bar)
    nothing = nothing_of(carry)

    def parameters_bar(x):
        arguments = variables, carry, x, reset_at(CUT), nothing, y_bar
        return jax.tree.leaves(run_and_gradients(core, *arguments)[1][0])

    lost = x.copy()
    lost[1, 0] = np.nan
    assert not all(np.isfinite(bar).all() for bar in parameters_bar(lost))
    whole = np.where(np.isfinite(lost), lost, 0)
    assert all(np.isfinite(bar).all() for bar in parameters_bar(whole))


def test_a_reset_forgets_whatever_was_there(core):
    variables, carry, x, _ = drawn(core)
    lost = with_floats(carry, [jnp.full_like(leaf, np.nan) for leaf in floats(carry)])
    want = run(core, variables, core.initial_carry(B), x, reset_at())
    chex.assert_trees_all_close(run(core, variables, lost, x, reset_at(0)), want)


def test_environments_do_not_meet(core):
    variables, carry, x, _ = drawn(core)
    reset, order = random_reset(), np.array([2, 0, 1])
    want, y = run(core, variables, carry, x, reset)
    carry, want = jax.tree.map(lambda leaf: leaf[order], (carry, want))
    got, shuffled = run(core, variables, carry, x[:, order], reset[:, order])
    np.testing.assert_allclose(shuffled, y[:, order], rtol=1e-6, atol=1e-6)
    chex.assert_trees_all_close(got, want, rtol=1e-6, atol=1e-6)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("case", members(CASES))
def test_the_carry_returns_as_it_came(case):
    """Structure, shapes and dtypes: it can be scanned over, and nothing recompiles."""
    core = made(case)
    variables, _, x, _ = drawn(core)
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def act(variables, carry, x, reset):
        return core.apply(variables, carry, x, reset)

    carry = fresh = core.initial_carry(B)
    for t in range(3):
        now = slice(t, t + 1)
        carry, y = act(variables, carry, x[now], random_reset()[now])
    chex.assert_trees_all_equal_shapes_and_dtypes(carry, fresh)
    last, whole = run(core, variables, fresh, x, random_reset())
    chex.assert_trees_all_equal_shapes_and_dtypes(last, fresh)
    assert (y.shape, whole.shape) == ((1, B, H), (T, B, H))
    assert y.dtype == whole.dtype == jnp.float32
    kinds = {jnp.dtype(kind) for kind in ("complex64", "float32", "int32", "bool")}
    assert {leaf.dtype for leaf in jax.tree.leaves(fresh)} <= kinds
    assert not any(leaf.any() for leaf in jax.tree.leaves(fresh))


@pytest.mark.parametrize("case", members(CASES))
def test_parameters_are_real_and_single(case):
    core = made(case)
    leaves = jax.tree.leaves(shapes_of(core))
    assert leaves and all(leaf.dtype == jnp.float32 for leaf in leaves)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("case", members(ROUNDED))
def test_bfloat16_layers_stay_near_single_precision(case):
    near, wide = made(case), made(case.removesuffix("-bfloat16"))
    variables, carry, x, _ = drawn(wide)
    _, got = run(near, variables, carry, x, random_reset())
    _, want = run(wide, variables, carry, x, random_reset())
    # Together: a norm of few small numbers makes much of the rounding of one.
    assert np.linalg.norm(got - want) < 0.1 * np.linalg.norm(want)
    assert (got != want).any()  # it was computed in bfloat16


@pytest.mark.thinned(6)
@pytest.mark.parametrize("case", members(ROUNDED))
def test_bfloat16_obeys_the_laws(case):
    """By single steps, chunked, and with a lost segment, up to rounding."""
    core = made(case)
    variables, carry, x, y_bar = drawn(core)
    reset = reset_at(CUT)
    (last, whole), bars = run_and_gradients(
        core, variables, carry, x, reset, nothing_of(carry), y_bar
    )
    assert all(np.isfinite(bar).all() for bar in jax.tree.leaves(bars))
    state, outputs = carry, []
    for t in range(T):
        state, y = run(core, variables, state, x[t : t + 1], reset[t : t + 1])
        outputs.append(y)
    got = floats(state), jnp.concatenate(outputs)
    chex.assert_trees_all_close(got, (floats(last), whole), rtol=0.1, atol=0.1)
    lost = x.copy()
    lost[1, 0] = np.nan
    _, after = run(core, variables, carry, lost, reset)
    np.testing.assert_array_equal(after[CUT:], whole[CUT:])
    np.testing.assert_array_equal(after[:, 1:], whole[:, 1:])


@pytest.mark.parametrize("case", members(LEARNED))
def test_a_learned_start_opens_every_segment(case):
    """The first and later ones alike: it is read, and it has a gradient from both."""
    core = made(case)
    variables, _, x, y_bar = drawn(core)
    fresh = core.initial_carry(B)
    arguments = x, reset_at(CUT), nothing_of(fresh), y_bar
    (_, y), (bars, _, _) = run_and_gradients(core, variables, fresh, *arguments)
    leaves, structure = jax.tree.flatten_with_path(bars)
    starts = ["initial_state" in jax.tree_util.keystr(path) for path, _ in leaves]
    assert any(starts)
    for start, (_, bar) in zip(starts, leaves, strict=True):
        assert np.any(bar) or not start
    # No constant: a norm would take it away.
    draw = np.random.default_rng(9).normal
    moves = [
        np.float32(draw(size=bar.shape)) if start else np.zeros_like(bar)
        for start, (_, bar) in zip(starts, leaves, strict=True)
    ]
    moved = jax.tree.map(jnp.add, variables, jax.tree.unflatten(structure, moves))
    (_, y_moved), _ = run_and_gradients(core, moved, fresh, *arguments)
    changed = np.abs(y_moved - y).max((1, 2))
    assert changed[0] > 1e-6 and changed[CUT] > 1e-6


@pytest.mark.thinned(3)
@pytest.mark.parametrize("case", members(SMALL))
def test_the_first_call_after_init_is_finite(case):
    core = made(case)
    x, reset = drawn(core)[2], random_reset()
    fresh = core.initial_carry(B)
    variables = jax.jit(core.init)(jax.random.key(0), fresh, x[:1], reset[:1])
    chex.assert_trees_all_equal_shapes_and_dtypes(variables, drawn(core)[0])
    _, y = run(core, variables, fresh, x, reset)
    assert np.isfinite(y).all() and (np.std(y, axis=0) > 0).all()


def primitives(jaxpr):
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for inner in jaxprs_in_params(eqn.params):
            yield from primitives(inner)


def test_acting_has_no_scan(core):
    variables, carry, x, _ = drawn(core)
    arguments = variables, carry, x[:1], reset_at(0)[:1]
    names = set(primitives(jax.make_jaxpr(partial(run, core))(*arguments).jaxpr))
    assert "dot_general" in names and not names & {"scan", "while"}


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("s55", {}, "unknown core 's55'; did you mean 's5'.*s5, .*gru, lstm, .*mlp"),
        ("transformer", {}, r"unknown core 'transformer'\. It knows: s5, "),
        ("s5", {"state_siz": 8}, "no option 'state_siz'; did you mean 'state_size'"),
        ("gru", {"blocks": 2}, "'gru' has no option 'blocks'.*num_layers"),
        ("mlp", {"features": 0}, "features must be positive; got 0"),
        ("lstm", {"num_layers": 0}, "num_layers must be positive; got 0"),
    ],
)
def test_refuses_what_it_does_not_know(name, options, says):
    with pytest.raises(ValueError, match=says):
        s5rl.make_core(name, **{"features": H} | options)
