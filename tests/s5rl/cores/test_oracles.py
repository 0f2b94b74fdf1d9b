"""Every core against its equations, written out in NumPy and double precision.

mutant                               | the test that failed: test_…
------------------------------------ | ----------------------------------------
half_glu2 gates gelu(y)              | equals_its_equations
post norm leaves the residual out    | equals_its_equations
no feedthrough                       | equals_its_equations
MLP with relu                        | equals_its_equations
environment 0's reset is everybody's | equals_its_equations
a carry's gradient is stopped        | gradients_equal_its_equations
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import s5rl
from tests.s5rl.cores.equations import compositions, gated, matrix, spaces, window
from tests.s5rl.cores.equations.gated import layer_norm
from tests.s5rl.cores.members import LEARNED, members
from tests.s5rl.cores.members import SMALL as SIZES
from tests.s5rl.cores.members import VARIANTS as MORE
from tests.s5rl.cores.running import floats, run_and_gradients, with_floats

T, B, H_IN, H = 6, 3, 5, 4
SMALL = {"state_size": 8, "blocks": 2}
VARIANTS = {
    "gru": ("gru", {"num_layers": 2}),
    "lstm": ("lstm", {"num_layers": 2}),
    "mlp": ("mlp", {}),
    "s5": ("s5", SMALL),
    "s5-associative": ("s5", SMALL | {"method": "associative", "num_layers": 1}),
    "s5-bilinear": ("s5", SMALL | {"discretization": "bilinear"}),
    "s5-full-size": ("s5", SMALL | {"conjugate_symmetry": False}),
    "s5-post": ("s5", SMALL | {"norm": "post"}),
    "s5-none": ("s5", SMALL | {"norm": "none"}),
    "s5-full-glu": ("s5", SMALL | {"activation": "full_glu"}),
    "s5-half-glu2": ("s5", SMALL | {"activation": "half_glu2"}),
    "s5-gelu": ("s5", SMALL | {"activation": "gelu"}),
    "s5-legs-ptd": ("s5", SMALL | {"init": "legs_ptd"}),
    "s5-fourier": ("s5", SMALL | {"init": "fourier"}),
    "s5-fourier-full": ("s5", SMALL | {"init": "fourier", "conjugate_symmetry": False}),
}
# Other halves than the laws have: a complex memory, and one that is real.
HALVES = {"low": "lru", "high": "mingru", "options": ("low.state_size=3",)}
# Cells, which add nothing to what they read, are added here.
PATTERN = {"pattern": ("gru", "s5", "mlp"), "options": ("s5.state_size=4",)}
VARIANTS |= {
    "hiss": ("hiss", {"chunk": 3} | HALVES),
    "hiss-learned": (
        "hiss",
        {"chunk": 2, "learned_initial_state": True, "num_layers": 2} | HALVES,
    ),
    "hybrid-of-cells": ("hybrid", PATTERN | {"num_layers": 2}),
    "window_attention-rotary": MORE["window_attention-rotary"],
    "hybrid-of-cells-learned": ("hybrid", PATTERN | {"learned_initial_state": True}),
}
EQUATIONS = gated.STEPS | matrix.STEPS | window.STEPS | compositions.STEPS
ALONE = [name for name in (*EQUATIONS, "hybrid") if name != "hiss"]
VARIANTS |= {name: (name, SIZES[name]) for name in ALONE}
VARIANTS |= {
    f"{name}-learned": LEARNED[f"{name}-learned"]
    for name in ("s5", "gru", "lstm", *ALONE)
}
# Every core as it is; learned starts of one of each kind.
QUICK = [case for case in VARIANTS if not case.endswith("-learned")]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return x / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def dense(p, x):
    return x @ p["kernel"] + p.get("bias", 0)


def gru_step(p, h, x, config):
    r = sigmoid(dense(p["ir"], x) + dense(p["hr"], h))
    z = sigmoid(dense(p["iz"], x) + dense(p["hz"], h))
    n = np.tanh(dense(p["in"], x) + r * dense(p["hn"], h))
    h = (1 - z) * n + z * h
    return h, h


def lstm_step(p, carry, x, config):
    c, h = carry
    i, f, g, o = (dense(p[f"i{k}"], x) + dense(p[f"h{k}"], h) for k in "ifgo")
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return (c, h), h


def mlp_step(p, carry, x, config):
    return carry, gelu(dense(p, x))


STEPS = {"gru": gru_step, "lstm": lstm_step, "mlp": mlp_step}
STEPS |= spaces.STEPS | EQUATIONS


def opened(name, p, state, reset_t):
    """The state that enters a step: where a segment opens zeros, or what is learned.

    Of a convolution's tail nothing is learned; a window's steps see to it themselves.
    """
    leaves, structure = jax.tree.flatten(state)
    starts = [np.zeros(leaf.shape[1:], leaf.dtype) for leaf in leaves]
    learned = None if name in window.STEPS else p.get("initial_state")
    if learned is not None and np.iscomplexobj(leaves[0]):
        starts[0] = learned[0] + 1j * learned[1]
    elif learned is not None and name == "slstm":
        starts[:3] = *learned, np.ones_like(learned[0])  # so that what it has counts
    elif learned is not None and learned.shape == starts[0].shape:
        starts[0] = learned
    elif learned is not None:
        starts = list(learned)  # an LSTM's
    kept = [
        np.where(reset_t.reshape(-1, *(1,) * start.ndim), start, leaf)
        for leaf, start in zip(leaves, starts, strict=True)
    ]
    return jax.tree.unflatten(structure, kept)


def oracle(name, config, params, carry, x, reset):
    """One layer of one step after another; float64 in, float64 out."""
    outputs, learns = [], getattr(config, "learned_initial_state", False)
    if learns:
        carry, seen = carry
        reset = np.concatenate([reset[:1] | ~seen, reset[1:]])
    carry = list(carry)
    layers = config.parts() if name == "hybrid" else [(name, config)]
    layers = list(layers) * config.num_layers
    for x_t, reset_t in zip(x, reset, strict=True):
        if "encoder" in params:
            x_t = dense(params["encoder"], x_t)
        for index, (part, told) in enumerate(layers):
            layer = params[f"layer_{index}"]
            added = name == "hybrid" and part in ("gru", "mlp")
            read = layer_norm(x_t, **params[f"norm_{index}"]) if added else x_t
            kept = opened(part, layer, carry[index], reset_t)
            carry[index], y_t = STEPS[part](layer, kept, read, told)
            x_t = x_t + y_t if added else y_t
        outputs.append(x_t)
    after = (tuple(carry), seen | True) if learns else tuple(carry)
    return after, np.stack(outputs)


def double(tree):
    def widen(leaf):
        leaf = np.asarray(leaf)
        inexact = np.issubdtype(leaf.dtype, np.inexact)
        return leaf.astype(np.result_type(leaf, np.float64)) if inexact else leaf

    return jax.tree.map(widen, tree)


def noise(tree, rng):
    def draw(leaf):
        if leaf.dtype == jnp.int32:  # of windows and chunks of three, a lane each
            return np.arange(leaf.size, dtype=leaf.dtype)
        if not jnp.issubdtype(leaf.dtype, jnp.inexact):
            return np.asarray(leaf)
        parts = rng.normal(size=(2, *leaf.shape))
        real = jnp.issubdtype(leaf.dtype, jnp.floating)
        return (parts[0] if real else parts[0] + 1j * parts[1]).astype(leaf.dtype)

    return jax.tree.map(draw, tree)


def reset_patterns():
    some = np.random.default_rng(3).random((T, B)) < 0.3
    start = np.arange(T)[:, None] == np.zeros((1, B))
    return [some & False, some | True, start, some, some | start]


@pytest.fixture(scope="module", params=members(VARIANTS, quick=QUICK))
def case(request):
    name, options = VARIANTS[request.param]
    core = s5rl.make_core(name, features=H, **options)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(T, B, H_IN)).astype(np.float32)
    carry = core.initial_carry(B)
    reset = np.zeros((T, B), bool)
    shapes = jax.eval_shape(core.init, jax.random.key(1), carry, x, reset)["params"]
    # Biases and scales as they start, zero and one, would hide their absence.
    params = jax.tree.map(lambda p: np.float32(0.5) * p, noise(shapes, rng))
    return core, partial(oracle, name, core.config), params, noise(carry, rng), x


@pytest.mark.thinned(12)
def test_equals_its_equations(case):
    core, equations, params, carry, x = case
    bars = floats(carry), np.ones((T, B, H), np.float32)
    for reset in reset_patterns():
        want = equations(*double((params, carry, x)), reset)
        got, _ = run_and_gradients(core, {"params": params}, carry, x, reset, *bars)
        jax.tree.map(
            partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-5), got, want
        )
    # And by single steps, with the last pattern of resets.
    run = jax.jit(lambda p, c, x, reset: core.apply({"params": p}, c, x, reset))
    for t in range(T):
        now = slice(t, t + 1)
        carry, y = run(params, carry, x[now], reset[now])
        np.testing.assert_allclose(y, want[1][now], rtol=2e-4, atol=2e-5)


@pytest.mark.thinned(9)
def test_gradients_equal_its_equations(case):
    """Along random directions of the parameters, of the carry and of the inputs."""
    core, equations, params, carry, x = case
    reset, rng = reset_patterns()[3], np.random.default_rng(7)
    inputs = {"params": params}, floats(carry), x
    last_bar = noise(floats(carry), rng)
    y_bar = noise(np.zeros((T, B, H), np.float32), rng)

    def dot(one, other):
        products = jax.tree.map(lambda u, v: np.sum(u * v).real, one, other)
        return sum(jax.tree.leaves(products))

    arguments = inputs[0], carry, x, reset, last_bar, y_bar
    _, bars = run_and_gradients(core, *arguments)
    bars, bases = double(bars), double(inputs)
    directions = double(noise(inputs, rng))
    for index, (bar, direction) in enumerate(zip(bars, directions, strict=True)):

        def moved(by, index=index, direction=direction):
            at = list(bases)
            at[index] = jax.tree.map(lambda p, d: p + by * d, at[index], direction)
            variables, inexact, x = at
            entering = with_floats(carry, inexact)
            last, y = equations(variables["params"], entering, x, reset)
            return dot(double(last_bar), floats(last)) + dot(double(y_bar), y)

        slope = (moved(1e-6) - moved(-1e-6)) / 2e-6
        np.testing.assert_allclose(dot(bar, direction), slope, rtol=1e-3, atol=1e-3)
