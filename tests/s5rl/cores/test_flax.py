"""Cells are flax's own: its modules, stepped by hand, read our parameters as they are.

mutant                                       | failed for
-------------------------------------------- | --------------------
`run_cell` resets nothing                    | every cell
environment 0's reset is everybody's         | every cell
a call of one step is not reset              | every cell
resets after the first step are lost         | every cell
a call of several steps drops the carry      | every cell
layers read each other's carries             | every cell
a reset leaves an LSTM's cell as it is       | both LSTMs
an MGU in place of the GRU                   | GRUCell
relu in place of tanh; h is added to (Elman) | SimpleCell
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl

T, B, H_IN, H, LAYERS = 40, 3, 5, 6, 2
CELLS = {
    "GRUCell": "gru",
    "OptimizedLSTMCell": "lstm",
    "LSTMCell": "lstm",  # the same, unfused
    "SimpleCell": "elman",
}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("cell", CELLS)
def test_a_call_is_flaxs_cells_step_by_step_from_zeros_at_resets(cell):
    core = s5rl.make_core(CELLS[cell], features=H, num_layers=LAYERS)
    rng = np.random.default_rng(0)

    def noise(shapes):
        def draw(leaf):
            return rng.normal(size=leaf.shape).astype(np.float32)

        return jax.tree.map(draw, shapes)

    x = noise(jnp.zeros((T, B, H_IN)))
    reset = rng.random((T, B)) < 0.1
    reset[0], reset[20] = [True, False, False], [False, True, True]
    carry = noise(core.initial_carry(B))
    shapes = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)
    # Biases as they start, zero, would hide their absence.
    params = jax.tree.map(lambda p: p / 2, noise(shapes["params"]))
    step = jax.jit(getattr(nn, cell)(H).apply)

    def opened(state, reset_t):
        return jax.tree.map(lambda s: np.where(reset_t[:, None], 0, s), state)

    def by_hand(carry, x, reset):
        states, outputs = list(carry), []
        for y, reset_t in zip(x, reset, strict=True):
            for i in range(LAYERS):
                layer = {"params": params[f"layer_{i}"]}
                states[i], y = step(layer, opened(states[i], reset_t), y)
            outputs.append(y)
        return tuple(states), np.stack(outputs)

    call = jax.jit(core.apply)
    for steps in (slice(0, T), slice(0, 1), slice(20, 21)):  # no scan where T = 1
        given = carry, x[steps], reset[steps]
        got, want = call({"params": params}, *given), by_hand(*given)
        jax.tree.map(
            lambda g, w: np.testing.assert_allclose(g, w, rtol=1e-5, atol=1e-6),
            got,
            want,
        )
