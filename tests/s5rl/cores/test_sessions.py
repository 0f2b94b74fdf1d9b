"""Sessions that a core may find itself in: 64 bits (strict dtypes: see conftest).

mutant                                   | the test that failed: test_…
---------------------------------------- | ----------------------------------------
S5 draws its steps in the session's type | single_precision_stays_in_a_wide_session
GRU's carry is of the session's type     | single_precision_stays_in_a_wide_session
"""

import jax
import jax.numpy as jnp
import pytest

import s5rl
from tests.s5rl.cores.members import members
from tests.s5rl.cores.running import floats, is_inexact, with_floats

T, B, H_IN, H = 3, 2, 5, 4
CASES = {name: (name, {}) for name in s5rl.core_names()}
CASES |= {
    f"s5-{value}": ("s5", {option: value})
    for option, value in (
        ("method", "associative"),
        ("discretization", "bilinear"),
        ("c_init", "complex_normal"),
        ("activation", "full_glu"),
        ("norm", "post"),
        ("dtype", "bfloat16"),
    )
}
SINGLE, COUNTS = (jnp.float32, jnp.complex64), (jnp.int32, jnp.bool_)


@pytest.mark.thinned(6)
@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("case", members(CASES))
def test_single_precision_stays_in_a_wide_session(case, kind):
    """Parameters, carries, outputs, and the gradients of what is single."""
    name, options = CASES[case]
    core = s5rl.make_core(name, features=H, **options)
    with jax.enable_x64(True):
        carry = core.initial_carry(B)
        for length in (1, T):
            x, reset = jnp.ones((length, B, H_IN), kind), jnp.zeros((length, B), bool)
            variables = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)

            def gradients(variables, carry, x, reset=reset):
                def apply(variables, inexact, x):
                    entering = with_floats(carry, inexact)
                    last, y = core.apply(variables, entering, x, reset)
                    return (floats(last), y), last

                inputs = variables, floats(carry), x
                results, pullback, last = jax.vjp(apply, *inputs, has_aux=True)
                return (last, results[1]), pullback(results)

            (last, y), (*bars, x_bar) = jax.eval_shape(gradients, variables, carry, x)
            for leaf in jax.tree.leaves((variables, carry, last, y, bars)):
                assert leaf.dtype in (SINGLE if is_inexact(leaf) else COUNTS)
            assert (y.dtype, x_bar.dtype) == (jnp.float32, jnp.dtype(kind))
            assert jax.tree.map(jnp.shape, last) == jax.tree.map(jnp.shape, carry)
