"""What tracing a core costs: no eigendecomposition, and no drawing, a second time.

mutant                            | the test that failed: test_…
--------------------------------- | ----------------------------------------
HiPPO's decomposition is not kept | lowering_a_gradient_decomposes_no_matrix
`initialise` is not compiled      | lowering_a_gradient_decomposes_no_matrix
"""

from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl
from s5rl.ssm import bases, hippo, layer

T, B = 4, 2
# The function that decomposes, how often it must for one basis, and a number of states.
COSTS = {
    "hippo_n": ("eigh", 1, 256),
    "legs_ptd": ("eig", bases.DRAWS, 32),
    "fourier": ("eig", 1, 64),
}


@pytest.mark.thinned(4)
@pytest.mark.parametrize("init", COSTS)
def test_lowering_a_gradient_decomposes_no_matrix(init):
    """Four layers of many states: one for all of them, when parameters are drawn.

    Nor is anything drawn again: flax asks at every call what the initialiser's shapes
    are, and finds them in the trace of the first.
    """
    function, times, size = COSTS[init]
    core = s5rl.make_core("s5", features=8, num_layers=4, state_size=size, init=init)
    x, reset, carry = (
        jnp.ones((T, B, 8)),
        jnp.zeros((T, B), bool),
        core.initial_carry(B),
    )

    def loss(variables):
        return jnp.sum(core.apply(variables, carry, x, reset)[1])

    bases.diagonalise.cache_clear()
    hippo.diagonalise_hippo.cache_clear()
    jax.clear_caches()
    with (
        mock.patch.object(np.linalg, function, wraps=getattr(np.linalg, function)) as f,
        mock.patch.object(layer, "diagonalise", wraps=layer.diagonalise) as asked,
    ):
        variables = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)
        assert (f.call_count, asked.call_count) == (times, 1)
        for _ in range(2):
            lowered = jax.jit(lambda v: jax.grad(loss)(v)).lower(variables)
        assert (f.call_count, asked.call_count) == (times, 1)
    # Nor is a matrix part of the program.
    assert f"{size}x{core.config.num_states}x" not in lowered.as_text()
