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

import s5rl
from s5rl.ssm import layer

T, B = 4, 2


def test_lowering_a_gradient_decomposes_no_matrix():
    """Four layers of 256 states: one for all of them, when parameters are drawn.

    Nor is anything drawn again: flax asks at every call what the initialiser's shapes
    are, and finds them in the trace of the first.
    """
    core = s5rl.make_core("s5", features=8, num_layers=4, state_size=256)
    x, reset, carry = (
        jnp.ones((T, B, 8)),
        jnp.zeros((T, B), bool),
        core.initial_carry(B),
    )

    def loss(variables):
        return jnp.sum(core.apply(variables, carry, x, reset)[1])

    layer.diagonalise_hippo.cache_clear()
    jax.clear_caches()
    with (
        mock.patch.object(np.linalg, "eigh", wraps=np.linalg.eigh) as eigh,
        mock.patch.object(
            layer, "diagonalise_hippo", wraps=layer.diagonalise_hippo
        ) as asked,
    ):
        variables = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)
        assert (eigh.call_count, asked.call_count) == (1, 1)
        for _ in range(2):
            lowered = jax.jit(lambda v: jax.grad(loss)(v)).lower(variables)
        assert (eigh.call_count, asked.call_count) == (1, 1)
    assert "256x128" not in lowered.as_text()  # nor is a matrix part of the program
