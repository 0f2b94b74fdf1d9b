"""States made on the spot are those of `linear_recurrence`, whichever way is taken.

mutant                                | the test that failed: test_...
------------------------------------- | -------------------------------------------
a reset does not drop the state       | equals_what_is_written_out
`initial` is left out                 | equals_what_is_written_out
the old state is read                 | equals_what_is_written_out
dropped after the product             | nothing_lost_crosses_a_reset
acting takes any method               | any_other_way_is_refused_as_elsewhere
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl import linear_recurrence
from s5rl.recurrence.wide import wide_recurrence

B, N, D = 3, 2, 4
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
FORMS = ("real", "complex")
EACH = pytest.mark.parametrize("form", FORMS)


def expand(rate, form, decay, key, value):
    a = jnp.exp(-decay[:, None] * rate[None])
    b = key[..., None] * value[:, None]
    if form == "real":
        return a, b
    turned = jax.lax.complex(jnp.cos(rate), jnp.sin(rate))
    return a.astype(turned.dtype) * turned[None], b.astype(turned.dtype)


def read(h, decay, key, value):
    return jnp.sum(h.real * key[..., None] - 2 * h.imag, axis=1)


def drawn(length, form):
    rng = np.random.default_rng(length)
    decay = rng.exponential(size=(length, B, D))
    inputs = decay, rng.normal(size=(length, B, N)), rng.normal(size=(length, B, D))
    inputs = tuple(jnp.asarray(x, jnp.float32) for x in inputs)
    state = rng.normal(size=(2, 1 + B, N, D))
    state = state[0] + 1j * state[1] if form == "complex" else state[0]
    state = jnp.asarray(state, jnp.complex64 if form == "complex" else jnp.float32)
    rate = jnp.asarray(rng.uniform(0.1, 1, (N, D)), jnp.float32)
    reset = jnp.asarray(rng.random((length, B)) < 0.3)
    return rate, inputs, reset, state[1:], state[0]


@partial(jax.jit, static_argnames=("form", "method"))
def wide(rate, inputs, reset, carry, initial, *, form, method):
    return wide_recurrence(
        partial(expand, rate, form), read, inputs, reset, carry, initial=initial,
        method=method,
    )  # fmt: skip


@partial(jax.jit, static_argnames="form")
def written_out(rate, inputs, reset, carry, initial, *, form):
    a, b = jax.vmap(partial(expand, rate, form))(*inputs)
    flat = partial(jnp.reshape, shape=(*reset.shape, -1))
    initial = None if initial is None else initial.ravel()
    last, h = linear_recurrence(
        *(flat(a), flat(b), reset, carry.reshape(B, -1)), initial=initial
    )
    return last.reshape(carry.shape), jax.vmap(read)(h.reshape(b.shape), *inputs)


def value_and_gradients(run, rate, inputs, reset, carry, initial):
    def loss(rate, inputs, carry, initial):
        last, y = run(rate, inputs, reset, carry, initial)
        return jnp.sum(jnp.sin(y)) + jnp.sum(last.real + 3 * last.imag), (last, y)

    given = [rate, inputs, carry, initial]
    where = [0, 1, 2] if initial is None else [0, 1, 2, 3]
    return jax.value_and_grad(loss, where, has_aux=True)(*given)


@EACH
@pytest.mark.parametrize("length", [1, 7])
@pytest.mark.parametrize("method", ["auto", "sequential", "associative"])
@pytest.mark.parametrize("learned", [False, True], ids=["zeros", "learned"])
@pytest.mark.thinned(6)
def test_equals_what_is_written_out(form, length, method, learned):
    """Carry, outputs, and the gradients of all that goes in."""
    *given, initial = drawn(length, form)
    given.append(initial if learned else None)
    found = value_and_gradients(partial(wide, form=form, method=method), *given)
    wanted = value_and_gradients(partial(written_out, form=form), *given)
    jax.tree.map(partial(np.testing.assert_allclose, **CLOSE), found, wanted)


@EACH
@pytest.mark.parametrize("method", ["sequential", "associative"])
def test_nothing_lost_crosses_a_reset(form, method):
    """NaN before a reset: the lane's later outputs and gradients are as without it."""
    rate, inputs, reset, carry, _ = drawn(7, form)
    reset = reset.at[4].set(True)

    def later(inputs, carry):
        return wide(rate, inputs, reset, carry, None, form=form, method=method)[1][4:]

    def gradients(inputs, carry):
        return jax.grad(lambda *given: later(*given).sum(), (0, 1))(inputs, carry)

    planted = (inputs[0], inputs[1].at[2].set(jnp.nan), inputs[2])
    lost = jnp.full_like(carry, jnp.nan)
    np.testing.assert_array_equal(later(planted, lost), later(inputs, carry))
    (found, _), (wanted, _) = gradients(planted, lost), gradients(inputs, carry)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one[4:], other[4:])


@pytest.mark.parametrize("length", [1, 2])
def test_any_other_way_is_refused_as_elsewhere(length):
    *given, _ = drawn(length, "real")
    with pytest.raises(ValueError, match=r"method must be one of .*got 'fastest'"):
        wide(*given, None, form="real", method="fastest")
