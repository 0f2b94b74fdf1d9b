"""LRU and FFM against the package memax 0.1.1, our parameters copied into its layers.

memax stands in the middle, where both have the same mathematics:

    LRU   from norm(x) to Re(C h) + D u. What our block has around it, gelu, a gated
          layer and a residual, is written here. memax's has a state a feature.
    FFM   from x to the states, to z = W3 [Re h, Im h] and to the gate g. memax's skip
          is x itself, so ours reads W4 = 1. Its norm stands outside of the gate,
          LN(z g), where the published runs had LN(z) g, as ours has: that is composed
          here of memax's own layers, after the same was done for its whole output.

Its start flags are our resets. It scans associatively, FFM with a clock, exp(rate t).

mutant                                 | the test that failed: test_…
-------------------------------------- | ------------------------------------------
LRU: exp(gamma) left out               | lru_is_memaxs_within_our_block
LRU: eigenvalues turn the other way    | lru_is_memaxs_within_our_block
LRU: D reads x before its norm         | lru_is_memaxs_within_our_block
LRU: Im C enters with the other sign   | lru_is_memaxs_within_our_block
FFM: decays and frequencies exchanged  | ffm_is_memaxs_up_to_where_its_norm_stands
FFM: what is written passes no gate    | ffm_is_memaxs_up_to_where_its_norm_stands
FFM: LN(z g), memax's                  | ffm_is_memaxs_up_to_where_its_norm_stands
FFM: skip without 1 - g                | ffm_is_memaxs_up_to_where_its_norm_stands
FFM: only real parts are read          | ffm_is_memaxs_up_to_where_its_norm_stands
resets a step late, or only at step 0  | both
the carry is dropped                   | both
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl
from tests.s5rl.cores.equations.gated import dense, gelu, layer_norm, sigmoid

pytest.importorskip("memax", reason="memax is in the extra conformance")
import equinox as eqx
from memax.equinox.semigroups.ffm import FFM
from memax.equinox.semigroups.lru import LRU

pytestmark = pytest.mark.conformance

T, B, H = 300, 4, 8
# Of the largest value: exp(rate) to the power of 300 has 300 roundings of 2^-24.
CLOSE = 1e-5
TRACES, CONTEXTS = 6, 3


@pytest.fixture(autouse=True)
def _standard_dtypes():
    with jax.numpy_dtype_promotion("standard"):  # their flags multiply states
        yield


def drawn(name, **options):
    """A core, its parameters all off their zeros and ones, and what it reads."""
    core = s5rl.make_core(name, features=H, num_layers=1, **options)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(T, B, H)).astype(np.float32)
    reset = rng.random((T, B)) < 0.03
    reset[:, 0] = False  # a lane remembers from the carry to the end,
    reset[0, 1] = True  # and one drops the carry
    (empty,) = core.initial_carry(B)
    carry = rng.normal(size=(2, *empty.shape)).astype(np.float32)
    carry = carry[0] + 1j * carry[1]
    params = core.init(jax.random.key(0), (carry,), x, reset)["params"]["layer_0"]
    params = jax.tree.map(
        lambda p: np.asarray(p) + rng.normal(0, 0.1, p.shape).astype(p.dtype), params
    )
    return core, params, carry, x, reset


def run(core, params, carry, x, reset):
    variables = {"params": {"layer_0": params}}
    (carry,), y = jax.jit(core.apply)(variables, (carry,), x, reset)
    return np.asarray(carry), np.asarray(y)


def run_theirs(layer, opened, x, reset):
    """Their states and outputs, [T, B, ...] each; `opened` [B, ...] enters."""

    def alone(opened, x, reset):
        return layer((opened, jnp.zeros((), bool)), (x, reset))

    (states, _), y = jax.jit(jax.vmap(alone, (0, 1, 1), 1))(opened, x, reset)
    return jax.tree.map(np.asarray, (states, y))


def with_fields(module, fields):
    """A module of theirs with other arrays; names may have dots."""
    for name, value in fields.items():

        def field(module, name=name):
            for part in name.split("."):
                module = getattr(module, part)
            return module

        module = eqx.tree_at(field, module, value)
    return module


def linear(p, name):
    """A dense layer of ours in the fields of theirs."""
    return {f"{name}.weight": p["kernel"].T, f"{name}.bias": p["bias"]}


@pytest.mark.parametrize("method", ["associative", "sequential"])
def test_lru_is_memaxs_within_our_block(method):
    options = dict(state_size=H, method=method)
    core, p, carry, x, reset = drawn("lru", **options)
    their_names = ("B_re", "B_im"), ("C_re", "C_im")
    ours = p["input_matrix"], p["output_matrix"]
    fields = {"nu_log": p["nu"], "theta_log": p["theta"], "gamma_log": p["gamma"]}
    fields |= {"D": p["feedthrough"]}
    for names, matrices in zip(their_names, ours, strict=True):
        fields |= {n: m.T for n, m in zip(names, matrices, strict=True)}
    theirs = with_fields(LRU(H, H, jax.random.key(0)), fields)
    u = layer_norm(x, **p["norm"])
    opened = jnp.ones_like(carry), carry
    (_, states), y = run_theirs(theirs, opened, u, reset)
    y = gelu(y)
    y = x + dense(p["value"], y) * sigmoid(dense(p["gate"], y))
    check(core, p, carry, x, reset, states, y)


@pytest.mark.parametrize("method", ["associative", "sequential"])
def test_ffm_is_memaxs_up_to_where_its_norm_stands(method):
    options = dict(memory_size=TRACES, context_size=CONTEXTS, method=method)
    core, p, carry, x, reset = drawn("ffm", **options)
    p["skip"] = {"kernel": jnp.eye(H), "bias": jnp.zeros(H)}
    # Ours reads all real parts before all imaginary ones, theirs trace by trace.
    mix = p["mix"]["kernel"].reshape(2, TRACES, CONTEXTS, H)
    mix = {"kernel": mix.swapaxes(0, 1).reshape(-1, H), "bias": p["mix"]["bias"]}
    fields = {"algebra.algebra.params": (jax.nn.softplus(p["decay"]), p["frequency"])}
    fields |= linear(p["input"], "pre") | linear(p["input_gate"], "gate_in.linear")
    fields |= linear(mix, "mix") | linear(p["output_gate"], "gate_out.linear")
    # Their norm adds 1e-5 to a variance, ours 1e-6.
    fields["ln"] = eqx.nn.LayerNorm(H, 1e-6, use_weight=False, use_bias=False)
    theirs = with_fields(FFM(H, TRACES, CONTEXTS, jax.random.key(0)), fields)
    opened = carry.reshape(B, TRACES, CONTEXTS), jnp.zeros(B, int)
    (states, _), whole = run_theirs(theirs, opened, x, reset)

    @jax.vmap
    @jax.vmap
    def read(state, x):
        z = theirs.mix(jnp.concatenate([state.real, state.imag], -1).reshape(-1))
        g = theirs.gate_out(x)
        return tuple(y + x * (1 - g) for y in (theirs.ln(z * g), theirs.ln(z) * g))

    outside, y = read(states, x)
    assert gap(outside, whole) < CLOSE  # so z and g are theirs
    check(core, p, carry, x, reset, states.reshape(T, B, -1), y)


def check(core, params, carry, x, reset, states, y):
    """A call of all steps and one of half end in their states, with their outputs.

    What a lane ends with says nothing of what it held before its last reset.
    """
    for end in (T // 2, T):
        last, got = run(core, params, carry, x[:end], reset[:end])
        gaps = gap(last, states[end - 1]), gap(got, y[:end])
        print(f"{end} steps: states {gaps[0]:.1e}, outputs {gaps[1]:.1e}")
        assert gaps[0] < CLOSE and gaps[1] < CLOSE


def gap(got, want):
    """The largest difference, in units of the largest value."""
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    return np.abs(got - want).max() / np.abs(want).max()
