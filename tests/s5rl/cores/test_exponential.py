"""mLSTM's recurrence beside one associative operator, and without a running maximum.

mutant                               | the test that failed: test_…
------------------------------------ | --------------------------------------------
the running maximum is not reset     | gates_of_any_size_give_what_their_definition_...
writing is not divided by exp(m)     | equals_one_associative_operator
the bound does not follow m          | equals_one_associative_operator
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl import resettable
from s5rl.cores.mlstm import exponential_recurrence

T, B, HEADS, SIZE = 9, 2, 2, 3
CLOSE = {"rtol": 1e-3, "atol": 1e-3}  # float32, of sums of up to about 100


def drawn(largest):
    rng = np.random.default_rng(0)
    q, k, v = (rng.normal(size=(T, B, HEADS, SIZE)) for _ in range(3))
    log_f = -rng.exponential(size=(T, B, HEADS))
    write = largest * rng.uniform(-1, 1, (T, B, HEADS))
    state = rng.normal(size=(B, HEADS, SIZE, SIZE + 1))
    m = rng.normal(size=(B, HEADS))
    return (q, k, v, log_f, write), (state, m)


def single(tree):
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), tree)


def resets():
    some = np.random.default_rng(3).random((T, B)) < 0.3
    return {"none": some & False, "all": some | True, "some": some}


def with_one(v):
    return jnp.concatenate([v, jnp.ones_like(v[..., :1])], axis=-1)


def combine(left, right):
    """Spans of time, each (sum of log_f, m, C and n as multiples of exp(m))."""
    (sum_left, m_left, c_left), (sum_right, m_right, c_right) = left, right
    m = jnp.maximum(sum_right + m_left, m_right)
    c = jnp.exp(sum_right + m_left - m) * c_left + jnp.exp(m_right - m) * c_right
    return sum_left + sum_right, m, c


def associative(inputs, carry, reset):
    """All of it by `resettable(combine)`: flags, sums and maxima [..., h, 1, 1]."""
    (q, k, v, log_f, write), (state, m) = inputs, carry
    elements = (
        jnp.concatenate([jnp.zeros_like(log_f[:1]), log_f])[..., None, None],
        jnp.concatenate([m[None], write])[..., None, None],
        jnp.concatenate([state[None], k[..., :, None] * with_one(v)[..., None, :]]),
    )
    flag = jnp.concatenate([jnp.zeros_like(reset[:1]), reset])[..., None, None, None]
    (_, m, c), _ = jax.lax.associative_scan(resettable(combine), (elements, flag))
    m, c = m[1:], c[1:]
    y = jnp.sum(q[..., None] * c, axis=-2)
    below = jnp.maximum(jnp.abs(y[..., -1:]), jnp.exp(-m[..., 0]))
    return (c[-1], m[-1, ..., 0, 0]), y[..., :-1] / below


def shipped(inputs, carry, reset):
    return exponential_recurrence(*inputs, reset, carry, chunk=4)


def unbounded(state):
    """C and n themselves: m is a gauge, and may differ."""
    c, m = state
    return c * jnp.exp(m)[..., None, None]


@pytest.mark.thinned(4)
@pytest.mark.parametrize("pattern", resets())
def test_equals_one_associative_operator(pattern):
    """Outputs, memory, and the gradients of all that comes in, gates among them."""
    inputs, carry = single(drawn(largest=3))
    reset = jnp.asarray(resets()[pattern])

    def with_gradients(way):
        def whole(inputs, carry):
            last, y = way(inputs, carry, reset)
            return unbounded(last), y

        results, pullback = jax.vjp(whole, inputs, carry)
        return results, pullback(jax.tree.map(jnp.cos, results))

    got, want = (jax.jit(partial(with_gradients, f))() for f in (shipped, associative))
    jax.tree.map(partial(np.testing.assert_allclose, **CLOSE), got, want)
    if pattern != "all":  # where nothing is remembered, log_f decides nothing
        assert all(np.abs(bar).max() > 0.1 for bar in got[1][0][3:])


@pytest.mark.parametrize("largest", [3, 60, 600])
def test_gates_of_any_size_give_what_their_definition_gives(largest):
    """Within float64's range, where exp(600) still is a number.

    With q, k and n positive: where n . q cancels, float32 has no digits to compare.
    """
    (q, k, v, log_f, write), (state, m) = drawn(largest)
    q, k, state = np.abs(q), np.abs(k), np.abs(state)
    reset = resets()["some"]
    (_, got) = jax.jit(shipped)(*single(((q, k, v, log_f, write), (state, m))), reset)
    true = state * np.exp(m)[..., None, None]
    v = np.concatenate([v, np.ones_like(v[..., :1])], axis=-1)
    for t in range(T):
        true = np.where(reset[t][:, None, None, None], 0, true)
        true = np.exp(log_f[t])[..., None, None] * true
        new = np.exp(write[t])[..., None, None] * k[t][..., :, None]
        true = true + new * v[t][..., None, :]
        both = np.einsum("bhk,bhkv->bhv", q[t], true)
        want = both[..., :-1] / np.maximum(np.abs(both[..., -1:]), 1)
        np.testing.assert_allclose(got[t], want, rtol=1e-3, atol=1e-4)
