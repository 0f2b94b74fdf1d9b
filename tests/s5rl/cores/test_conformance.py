"""LRU and FFM beside memax's, after copying its weights into ours.

Its other cores are no references: FART, DeltaNet and Gated DeltaNet have other
mathematics than published, S6 is not Mamba's.

    mutant                          | the test that failed: test_…
    ------------------------------- | ----------------------------
    LRU: inputs are not scaled      | lru_equals_memax
    LRU: D is left out              | lru_equals_memax
    FFM: contexts are not repeated  | ffm_equals_memax
    FFM: the input has no gate      | ffm_equals_memax
    FFM: decays are not softplus    | ffm_equals_memax
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from s5rl.config.gated import FFMConfig, LRUConfig
from s5rl.cores.ffm import FFMLayer
from s5rl.cores.lru import LRULayer

pytestmark = pytest.mark.conformance
T, B, H = 40, 3, 8
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


@pytest.fixture
def lenient():
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.fixture
def sequence():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(T, B, H)).astype(np.float32)
    return x, rng.random((T, B)) < 0.1


def theirs(model, x, reset):
    """Last states and outputs of every lane, from their empty memory."""
    carry = model.initialize_carry()

    def lane(x, reset):
        states, y = model(carry, (x, reset))
        return model.latest_recurrent_state(states), y

    return jax.vmap(lane, 1, (0, 1))(jnp.asarray(x), jnp.asarray(reset))


def stacked(*parts):
    return jnp.stack([jnp.asarray(part).T for part in parts])


def test_lru_equals_memax(sequence, lenient):
    """All that is theirs; norm, GLU and residual around it are ours, done by hand.

    Of as many states as features: their annotations allow no other.
    """
    lru = pytest.importorskip("memax.equinox.semigroups.lru")
    x, reset = sequence
    layer = LRULayer(H, LRUConfig(state_size=H))
    fresh = layer.initial_carry(B)
    params = layer.init(jax.random.key(1), fresh, x, reset)["params"]
    model = lru.LRU(recurrent_size=H, hidden_size=H, key=jax.random.key(0))
    params |= {
        "nu": model.nu_log,
        "theta": model.theta_log,
        "gamma": model.gamma_log,
        "input_matrix": stacked(model.B_re, model.B_im),
        "output_matrix": stacked(model.C_re, model.C_im),
        "feedthrough": model.D,
    }
    carry, y = layer.apply({"params": params}, fresh, x, reset)
    (last, _), inner = theirs(model, norm_of(x), reset)
    y_inner = jax.nn.gelu(inner)
    value, gate = (
        y_inner @ params[name]["kernel"] + params[name]["bias"]
        for name in ("value", "gate")
    )
    np.testing.assert_allclose(carry, last[1], **CLOSE)
    np.testing.assert_allclose(y, x + value * jax.nn.sigmoid(gate), **CLOSE)


def norm_of(x):
    """The block's norm, as it starts."""
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6)


def test_ffm_equals_memax(sequence, lenient):
    """With the output gate open: theirs stands inside the norm, the paper's outside."""
    ffm = pytest.importorskip("memax.equinox.semigroups.ffm")
    x, reset = sequence
    traces, contexts = 4, 3
    layer = FFMLayer(H, FFMConfig(memory_size=traces, context_size=contexts))
    fresh = layer.initial_carry(B)
    params = layer.init(jax.random.key(1), fresh, x, reset)["params"]
    model = ffm.FFM(H, traces, contexts, key=jax.random.key(0))
    decay, frequency = model.algebra.algebra.params
    # Theirs has a row of real and imaginary parts for each trace, ours all real first.
    mix = model.mix.weight.reshape(H, traces, 2, contexts)
    mix = jnp.swapaxes(mix, 1, 2).reshape(H, -1)
    open_gate = {"kernel": jnp.zeros((H, H)), "bias": jnp.full(H, 40.0)}
    params |= {
        "decay": jnp.log(jnp.expm1(decay)),
        "frequency": frequency,
        "input": {"kernel": model.pre.weight.T, "bias": model.pre.bias},
        "input_gate": {
            "kernel": model.gate_in.linear.weight.T,
            "bias": model.gate_in.linear.bias,
        },
        "mix": {"kernel": mix.T, "bias": model.mix.bias},
        "output_gate": open_gate,
    }
    theirs_open = opened(model, open_gate)
    carry, y = layer.apply({"params": params}, fresh, x, reset)
    (last, _), want = theirs(theirs_open, x, reset)
    np.testing.assert_allclose(carry, last[0].reshape(B, -1), **CLOSE)
    np.testing.assert_allclose(y, want, rtol=1e-3, atol=1e-4)  # after a norm


def opened(model, gate):
    import equinox as eqx

    found = model.gate_out.linear
    return eqx.tree_at(
        lambda m: (m.gate_out.linear.weight, m.gate_out.linear.bias),
        model,
        (gate["kernel"].astype(found.weight.dtype), gate["bias"]),
    )
