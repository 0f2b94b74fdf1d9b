"""What every core refuses, alike and in a sentence that names the argument.

mutant                               | the test that failed: test_…
------------------------------------ | ----------------------------------------
one core does not check              | every_core_refuses_it_alike
reset's dtype is not checked         | every_core_refuses_it_alike
the carry's dtypes are not checked   | every_core_refuses_it_alike
its structure is not                 | the_carry_must_be_built_as_the_cores_is
a layer takes any width              | a_layer_wants_its_own_width
values are checked for NaN           | values_are_nobody_s_business
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl
from tests.s5rl.cores.members import members

T, B, H_IN, H = 5, 2, 3, 8
CORES = {name: s5rl.make_core(name, features=H) for name in s5rl.core_names()}
X, RESET = jnp.ones((T, B, H_IN)), jnp.zeros((T, B), bool)
# The argument that is wrong, what it is made of, the error, and its sentence.
WRONG = {
    "x without a batch": ("x", lambda x: x[:, 0], ValueError, "got (5, 3)"),
    "x without a time": ("x", lambda x: x[0], ValueError, "x must be [T, B, features"),
    "no step at all": ("x", lambda x: x[:0], ValueError, "T > 0; got (0, 2, 3)"),
    "x of integers": ("x", lambda x: x.astype(jnp.int32), TypeError, "x must be real"),
    "x complex": (
        "x",
        lambda x: x.astype(jnp.complex64),
        TypeError,
        "numbers; got complex64",
    ),
    "x a list": ("x", lambda x: [[[1.0]]], TypeError, "x must be an array; got list"),
    "x of another batch": ("x", lambda x: x[:, :1], ValueError, "(5, 1)"),
    "reset [T, 1]": ("reset", lambda r: r[:, :1], ValueError, "(5, 2), as x"),
    "reset [B, T]": ("reset", lambda r: r.T, ValueError, "got (2, 5)"),
    "reset [T, B, 1]": ("reset", lambda r: r[..., None], ValueError, "got (5, 2, 1)"),
    "reset of integers": (
        "reset",
        lambda r: r.astype(jnp.int32),
        TypeError,
        "reset must be bool; got int32",
    ),
    "reset of floats": (
        "reset",
        lambda r: r.astype(jnp.float32),
        TypeError,
        "reset must be bool; got float32",
    ),
}


def called(name, carry, x, reset, *, how):
    """Traces a core's `apply` or its `init`; the arguments are not abstract."""
    core = CORES[name]
    good = core.initial_carry(B), X, RESET
    key = jax.random.key(0)
    if how == "init":
        return jax.eval_shape(lambda key: core.init(key, carry, x, reset), key)
    variables = jax.eval_shape(core.init, key, *good)
    return jax.eval_shape(lambda v: core.apply(v, carry, x, reset), variables)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("how", ["apply", pytest.param("init", marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", WRONG)
def test_every_core_refuses_it_alike(case, how):
    argument, spoilt, error, says = WRONG[case]
    arguments = {"x": X, "reset": RESET}
    arguments[argument] = spoilt(arguments[argument])
    sentences = set()
    for name, core in CORES.items():
        with pytest.raises(error) as caught:
            called(name, core.initial_carry(B), **arguments, how=how)
        sentences.add(str(caught.value))
    (sentence,) = sentences
    assert says in sentence and sentence.startswith(("x must", "reset must"))


@pytest.mark.thinned(6)
@pytest.mark.parametrize("how", ["apply", "init"])
@pytest.mark.parametrize("name", [n for n in CORES if n != "mlp"])
def test_every_core_refuses_a_carry_that_is_not_its_own(name, how):
    core = CORES[name]
    half = jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape, jnp.float16), core.initial_carry(B)
    )
    for carry, error, says in (
        (core.initial_carry(B + 1), ValueError, r"must be \(2, .*B as x.*got \(3, "),
        (half, TypeError, "must be (float32|complex64); got float16"),
        (jax.tree.map(lambda leaf: 0.0, half), TypeError, "an array; got float"),
    ):
        with pytest.raises(error, match=rf"^carry\[0\].*{says}"):
            called(name, carry, X, RESET, how=how)


@pytest.mark.thinned(3)
@pytest.mark.parametrize("name", CORES)
def test_the_carry_must_be_built_as_the_cores_is(name):
    wrong = {"state": CORES[name].initial_carry(B), "more": RESET}
    for carry in (wrong, (*CORES[name].initial_carry(B), jnp.zeros((B, H)))):
        with pytest.raises(ValueError, match="carry must be built as initial_carry"):
            called(name, carry, X, RESET, how="apply")


def test_a_layer_wants_its_own_width():
    layer = s5rl.S5Layer(features=H)
    carry, x = layer.initial_carry(B), jnp.ones((T, B, 1))
    with pytest.raises(ValueError, match=r"as wide as the layer, 8; got \(5, 2, 1\)"):
        jax.eval_shape(layer.init, jax.random.key(0), carry, x, RESET)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("name", members(CORES))
def test_values_are_nobody_s_business(name):
    """Nothing is checked when it runs: neither in the program nor by the host."""
    core = CORES[name]
    fresh = core.initial_carry(B)
    variables = jax.jit(core.init)(jax.random.key(0), fresh, X, RESET)
    x = np.full((1, B, H_IN), np.nan, np.float32)
    _, y = jax.jit(core.apply)(variables, fresh, x, np.zeros((1, B), bool))
    assert np.isnan(y).all()


@pytest.mark.parametrize("name", members(CORES))
def test_any_float_and_any_kind_of_array_will_do(name):
    core = CORES[name]
    for kind in (jnp.bfloat16, jnp.float16, jnp.float32):
        _, y = called(name, core.initial_carry(B), X.astype(kind), RESET, how="apply")
        assert y.dtype == jnp.float32
    carry = jax.tree.map(np.asarray, core.initial_carry(B))
    _, y = called(name, carry, np.asarray(X), np.asarray(RESET), how="apply")
    assert y.shape == (T, B, H)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("mlstm", {"num_heads": 3}, r"expansion \* features \(16\) .* num_heads \(3\)"),
        ("slstm", {"num_heads": 3}, r"features \(8\) .* num_heads \(3\)"),
        (
            "mamba2",
            {"head_size": 3},
            r"expansion \* features \(16\) .* head_size \(3\)",
        ),
    ],
)
def test_features_that_heads_cannot_divide_are_refused(name, options, says):
    """By the first thing that is asked of a core: its memory."""
    with pytest.raises(ValueError, match=says):
        s5rl.make_core(name, features=H, **options).initial_carry(B)
