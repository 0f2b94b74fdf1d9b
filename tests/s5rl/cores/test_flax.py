"""GRU, LSTM and Elman are flax's own cells: `flax.linen.RNN` over each segment alone.

mutant                          | the test that failed: test_…
------------------------------- | -------------------------------------
GRU is made of a minimal GRU    | a_segment_is_what_flax_makes_of_it
the reset comes after the step  | a_segment_is_what_flax_makes_of_it
"""

from itertools import pairwise

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl

T, B, H_IN, H = 9, 2, 3, 4
CELLS = {"gru": nn.GRUCell, "lstm": nn.LSTMCell, "elman": nn.SimpleCell}


@pytest.mark.parametrize("name", CELLS)
def test_a_segment_is_what_flax_makes_of_it(name):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(T, B, H_IN)).astype(np.float32)
    reset = rng.random((T, B)) < 0.3
    core = s5rl.make_core(name, features=H, num_layers=1)
    fresh = core.initial_carry(B)
    variables = core.init(jax.random.key(0), fresh, x, reset)
    variables = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), leaf.dtype), variables
    )
    _, y = core.apply(variables, fresh, x, reset)
    alone = nn.RNN(CELLS[name](H), variable_broadcast="params")
    params = {"params": {"cell": variables["params"]["layer_0"]}}
    for lane in range(B):
        ends = [0, *np.flatnonzero(reset[1:, lane]) + 1, T]
        for start, end in pairwise(ends):
            want = alone.apply(params, x[None, start:end, lane])[0]
            np.testing.assert_allclose(y[start:end, lane], want, rtol=1e-5, atol=1e-6)
