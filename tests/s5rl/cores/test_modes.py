"""Modes are what layers run: the same decay, and the same read-out.

mutant                                   | the test that failed: test_...
---------------------------------------- | ----------------------------------------
half-life by log10                       | a_state_halves_in_its_half_life
the step of one block for all            | a_state_halves_in_its_half_life
the read-out is not doubled              | modes_add_up_to_what_the_layer_reads
the imaginary part is added              | modes_add_up_to_what_the_layer_reads
of a loop, always its first turn         | layers_of_a_loop_are_told_apart
a learned start is taken for a layer     | what_has_no_modes_says_so
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl
from tests.s5rl.cores.members import SMALL, VARIANTS

pytestmark = pytest.mark.usefixtures("quick_compilation")

# So that what an S5 layer reads is seen: its output is x + gelu(y).
BARE = {"activation": "gelu", "norm": "pre"}
CASES = {
    "s5": ("s5", SMALL["s5"] | BARE),
    "s5-bilinear": ("s5", BARE | {"state_size": 8, "discretization": "bilinear"}),
    "s5-legs-ptd": ("s5", VARIANTS["s5-legs-ptd"][1] | BARE),
    "s5-fourier-full": ("s5", VARIANTS["s5-fourier-full"][1] | BARE),
    "s4d": ("s4d", SMALL["s4d"]),
    "lru": ("lru", SMALL["lru"]),
}
H, B = 6, 2
EACH = pytest.mark.parametrize("case", CASES)


@functools.cache
def stepped(case):
    """A layer's modes, and one of random inputs after another, then a silent one.

    `(modes, parameters, [(x [B, H], state [B, P], what modules gave, y [B, H])])`
    """
    name, options = CASES[case]
    core = s5rl.make_core(name, features=H, num_layers=1, **options)
    xs = jax.random.normal(jax.random.key(1), (3, 1, B, H)).at[2].set(0)
    reset, carry = jnp.zeros((1, B), bool), core.initial_carry(B)
    variables = jax.jit(core.init)(jax.random.key(0), carry, xs[0], reset)
    (modes,) = s5rl.modes(core, variables)

    @jax.jit
    def step(carry, x):
        (carry, y), seen = core.apply(
            *(variables, carry, x, reset),
            capture_intermediates=True,
            mutable="intermediates",
        )
        return carry, y[0], seen["intermediates"]["layer_0"]

    steps = []
    for x in xs:
        carry, y, seen = step(carry, x)
        steps.append((x[0], s5rl.layer_states(core, carry)[0], seen, y))
    return modes, variables["params"]["layer_0"], steps


@pytest.mark.thinned(2)
@EACH
def test_a_state_halves_in_its_half_life(case):
    """Measured: the last input is silent, for a norm of zeros is its bias, zero."""
    modes, _, steps = stepped(case)
    ratio = np.asarray(steps[2][1] / steps[1][1], np.complex128)[0]
    half_life = np.asarray(modes.half_life())
    np.testing.assert_allclose(0.5 ** (1 / half_life), np.abs(ratio), rtol=1e-5)
    turn = np.abs(np.angle(ratio)) / (2 * np.pi)
    np.testing.assert_allclose(modes.frequency(), turn, rtol=1e-3, atol=1e-6)


@EACH
def test_modes_add_up_to_what_the_layer_reads(case):
    """The sum of parts and D u is what the layer's nonlinearity is given."""
    modes, own, steps = stepped(case)
    for x, state, seen, y in steps[:2]:
        u = seen["norm"]["__call__"][0][0]
        feedthrough = (own["ssm"] if "ssm" in own else own)["feedthrough"]
        read = jax.nn.gelu(modes.parts(state).sum(-2) + feedthrough[None] * u)
        if "ssm" in own:
            np.testing.assert_allclose(x + read, y, rtol=1e-4, atol=1e-5)
            continue
        dense, wanted = own["value"], seen["value"]["__call__"][0][0]
        found = read @ dense["kernel"] + dense["bias"][None]
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def shapes(name, num_layers, **options):
    """A core and its variables, whose every number is another; nothing is compiled."""
    core = s5rl.make_core(name, features=H, num_layers=num_layers, **options)
    x, reset = jnp.ones((1, B, H)), jnp.zeros((1, B), bool)
    carry = jax.eval_shape(lambda: core.initial_carry(B))
    variables = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)
    drawn = np.random.default_rng(0)
    return core, jax.tree.map(
        lambda leaf: jnp.asarray(drawn.normal(size=leaf.shape), leaf.dtype), variables
    )


def test_layers_of_a_loop_are_told_apart():
    core, variables = shapes("s5", 3, scan_layers=True, **SMALL["s5"])
    apart, alone = shapes("s5", 3, scan_layers=False, **SMALL["s5"])
    rounds = variables["params"]["rounds"]["layer_0"]
    layers = {f"layer_{i}": jax.tree.map(lambda x, i=i: x[i], rounds) for i in range(3)}
    assert jax.tree.structure(layers) == jax.tree.structure(alone["params"])
    both = s5rl.modes(core, variables), s5rl.modes(apart, {"params": layers})
    for one, other in zip(*both, strict=True):
        np.testing.assert_array_equal(one.multiplier, other.multiplier)
    assert not np.allclose(both[0][0].multiplier, both[0][1].multiplier)


def test_what_has_no_modes_says_so():
    learned = SMALL["hybrid"] | {"learned_initial_state": True}
    core, variables = shapes("hybrid", 1, **learned)
    state, none = s5rl.modes(core, variables)
    assert none is None
    states = s5rl.layer_states(core, core.initial_carry(B))
    assert states[0].shape == (B, len(state.multiplier))
    assert s5rl.modes(*shapes("gru", 1)) == [None]
