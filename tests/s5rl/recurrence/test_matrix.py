"""Recurrences of matrices, in chunks, beside their definition step by step in float64.

mutant                                        | the test that failed: test_…
--------------------------------------------- | -----------------------------------
states do not decay over a chunk              | equals_the_definition
what stands later is not hidden by a reset    | equals_the_definition
`initial` opens the first segment too         | equals_the_definition
delta: the system's diagonal is read          | equals_the_definition
delta: beta is left out within a chunk        | equals_the_definition
delta: one step alone does not read first     | what_forgets_all_takes_no_digits_...
decays have no floor                          | what_forgets_all_takes_no_digits_...
a lost carry is not followed                  | a_lost_segment_is_lost_alone
a lost query loses its segment                | a_lost_segment_is_lost_alone
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl import linear_recurrence
from s5rl.recurrence.delta import delta_recurrence
from s5rl.recurrence.matrix import matrix_recurrence

T, B, HEADS, KEY, VALUE = 11, 3, 2, 3, 4
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def by_definition(rule, q, k, v, *gates, reset, carry, initial):
    """Both recurrences, as they are written; NumPy in, float64 out."""
    *beta, log_decay = gates
    state, outputs = carry, []
    for t in range(len(q)):
        state = np.where(reset[t][:, None, None, None], initial, state)
        state = np.exp(log_decay[t])[..., None, None] * state
        new = v[t]
        if rule is delta_recurrence:
            new = new - np.einsum("bhk,bhkv->bhv", k[t], state)
            new = beta[0][t][..., None] * new
        state = state + np.einsum("bhk,bhv->bhkv", k[t], new)
        outputs.append(np.einsum("bhk,bhkv->bhv", q[t], state))
    return state, np.stack(outputs)


def drawn(rule, seed=0):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.normal(size=(T, B, HEADS, d)) for d in (KEY, KEY, VALUE))
    k = k / np.linalg.norm(k, axis=-1, keepdims=True)
    gates = [-rng.exponential(size=(T, B, HEADS))]
    if rule is delta_recurrence:
        gates = [rng.uniform(0, 2, (T, B, HEADS)), *gates]
    carry, initial = (
        rng.normal(size=(B, HEADS, KEY, VALUE)),
        rng.normal(size=(HEADS, KEY, VALUE)),
    )
    return (q, k, v, *gates), carry, initial


def patterns():
    some = np.random.default_rng(3).random((T, B)) < 0.3
    return {"none": some & False, "all": some | True, "some": some}


def single(tree):
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), tree)


@partial(jax.jit, static_argnames=("rule", "chunk"))
def run(rule, inputs, carry, initial, *, reset, chunk):
    return rule(*inputs, reset, carry, initial=initial, chunk=chunk)


@partial(jax.jit, static_argnames="rule")
def run_back(rule, inputs, carry, initial, reset, y_bar):
    """Carry, outputs, and the gradients of the inputs."""

    def apply(*inputs):
        return run(rule, inputs, carry, initial, reset=reset, chunk=4)

    (last, y), pullback = jax.vjp(apply, *inputs)
    return last, y, pullback((jnp.zeros_like(last), y_bar))


def by_steps(rule, inputs, carry, initial, reset):
    """One call a step, each of which is one step alone and makes no chunk."""
    outputs = []
    for t in range(len(reset)):
        now = tuple(array[t : t + 1] for array in inputs)
        carry, y = run(rule, now, carry, initial, reset=reset[t : t + 1], chunk=4)
        outputs.append(y)
    return carry, jnp.concatenate(outputs)


RULES = pytest.mark.parametrize("rule", [matrix_recurrence, delta_recurrence])


@pytest.mark.thinned(6)
@RULES
@pytest.mark.parametrize("chunk", [1, 4, 64])
@pytest.mark.parametrize("pattern", patterns())
def test_equals_the_definition(rule, chunk, pattern):
    inputs, carry, initial = drawn(rule)
    reset = patterns()[pattern]
    want = by_definition(rule, *inputs, reset=reset, carry=carry, initial=initial)
    got = run(rule, *single((inputs, carry, initial)), reset=reset, chunk=chunk)
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.thinned(2)
@pytest.mark.parametrize("pattern", patterns())
def test_is_a_linear_recurrence_of_its_numbers(pattern):
    """Flattened; of the same carry, opening state and resets, with its gradients."""
    inputs, carry, initial = single(drawn(matrix_recurrence))
    reset, size = patterns()[pattern], HEADS * KEY * VALUE

    def flattened(inputs, carry, initial):
        q, k, v, log_decay = inputs
        written = k[..., :, None] * v[..., None, :]
        a = jnp.exp(log_decay)[..., None, None]
        last, states = linear_recurrence(
            jnp.broadcast_to(a, written.shape).reshape(T, B, size),
            written.reshape(T, B, size),
            reset,
            carry.reshape(B, size),
            initial=initial.reshape(size),
        )
        y = jnp.sum(states.reshape(written.shape) * q[..., None], axis=-2)
        return last.reshape(carry.shape), y

    def in_chunks(inputs, carry, initial):
        return run(matrix_recurrence, inputs, carry, initial, reset=reset, chunk=4)

    def with_gradients(way):
        results, pullback = jax.vjp(way, inputs, carry, initial)
        return results, pullback(jax.tree.map(jnp.cos, results))

    got, want = (jax.jit(partial(with_gradients, f))() for f in (in_chunks, flattened))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-4), got, want)


@RULES
@pytest.mark.parametrize("saturated", [-1e3, -1e6, -np.inf])
def test_what_forgets_all_takes_no_digits_from_later_steps(rule, saturated):
    """A sum over a chunk that holds -1e6 would round what is decayed after it."""
    inputs, carry, initial = drawn(rule)
    inputs[-1][:] = -0.05
    inputs[-1][2, 0] = saturated
    given = *single((inputs, carry, initial)), patterns()["none"]
    got = run(rule, *given[:3], reset=given[3], chunk=64)
    for one, other in zip(got, by_steps(rule, *given), strict=True):
        np.testing.assert_allclose(one, other, **CLOSE)
    assert np.isfinite(got[1]).all()


@pytest.mark.thinned(2)
@RULES
def test_gradients_are_those_of_single_steps(rule):
    """Of every input, the carry and the opening state; steps alone make no chunks."""
    inputs, carry, initial = single(drawn(rule))
    reset = patterns()["some"]
    rng = np.random.default_rng(5)
    y_bar = jnp.asarray(rng.normal(size=(T, B, HEADS, VALUE)), jnp.float32)
    last_bar = jnp.asarray(rng.normal(size=carry.shape), jnp.float32)

    def by_chunks(inputs, carry, initial):
        last, y = run(rule, inputs, carry, initial, reset=reset, chunk=4)
        return jnp.sum(last * last_bar) + jnp.sum(y * y_bar)

    def one_by_one(inputs, carry, initial):
        last, y = by_steps(rule, inputs, carry, initial, reset)
        return jnp.sum(last * last_bar) + jnp.sum(y * y_bar)

    got, want = (
        jax.jit(jax.grad(f, argnums=(0, 1, 2)))(inputs, carry, initial)
        for f in (by_chunks, one_by_one)
    )
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-4), got, want)


@pytest.mark.thinned(6)
@RULES
@pytest.mark.parametrize("poison", [np.nan, np.inf])
@pytest.mark.parametrize("place", ["k", "v", "gate", "carry", "q"])
def test_a_lost_segment_is_lost_alone(rule, poison, place):
    """Values and gradients of other segments and lanes are the same to the bit."""
    inputs, carry, initial = drawn(rule)
    reset = np.zeros((T, B), bool)
    reset[5, 0] = True
    y_bar = jnp.ones((T, B, HEADS, VALUE))

    def results(inputs, carry):
        return run_back(rule, inputs, carry, single(initial), reset, y_bar)

    names = dict(zip(("q", "k", "v", "gate"), range(4), strict=True))
    want = results(*single((inputs, carry)))
    inputs = [np.array(array) for array in inputs]
    if place == "carry":
        carry[0, 0, 0, 0] = poison
    else:
        inputs[names[place]][2, 0, 0] = poison
    got = results(*single((tuple(inputs), carry)))
    elsewhere = np.ones((T, B), bool)
    elsewhere[:5, 0] = False
    np.testing.assert_array_equal(got[0], want[0])
    np.testing.assert_array_equal(got[1][elsewhere], want[1][elsewhere])
    for one, other in zip(got[2], want[2], strict=True):
        np.testing.assert_array_equal(one[elsewhere], other[elsewhere])
    first = 0 if place == "carry" else 2
    y = np.asarray(got[1])[:5, 0, 0]
    bad = ~np.isfinite(y).all(-1)
    assert bad[first] and not bad[:first].any()
    after = bad[first + 1 :]
    assert not after.any() if place == "q" else after.all()


def test_reading_a_key_gives_what_was_written_there():
    """The delta rule with beta = 1: the last value of two written at the same key."""
    inputs, carry, _ = drawn(delta_recurrence)
    _, k, v, beta, log_decay = inputs
    k[:] = k[:1]
    given = single((k, k, v, np.ones_like(beta), log_decay))
    _, y = delta_recurrence(*given, patterns()["none"], single(carry), chunk=4)
    np.testing.assert_allclose(y, v, **CLOSE)
