"""A long sequence in chunks, and layers computed again, change nothing but memory.

mutant                                        | the test that failed: test_…
--------------------------------------------- | ----------------------------------------
every chunk starts with the first one's carry | chunks_and_layers_computed_again
what is left over is dropped, or comes first  | chunks_and_layers_computed_again
time is strided: reshape(length, -1)          | chunks_and_layers_computed_again
chunks are not computed again                 | memory_grows_with_chunks (chunks)
layers are not computed again                 | memory_grows_with_chunks (layers)
the carry is not made to vary                 | chunks_inside_a_shard
chunk_length may be 0                         | what_cannot_be_a_chunk
parts of a hybrid may have chunks             | parts_are_told_nothing
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

import s5rl
from s5rl.config import CORE_CONFIGS
from tests.s5rl.cores.members import SMALL
from tests.s5rl.cores.running import floats, run_and_gradients

T, B, H, CHUNK = 8, 2, 8, 3
WAYS = {
    "chunks": {"chunk_length": CHUNK},
    "layers": {"remat": True},
    "both": {"chunk_length": CHUNK, "remat": True},
    "both, in a loop": {"chunk_length": CHUNK, "remat": True, "scan_layers": True},
}
QUICK = {"s5", "gru", "window_attention", "mlp"}
CASES = [
    pytest.param(
        *(name, way),
        marks=() if name in QUICK and way == "both" else pytest.mark.slow,
        id=f"{name}-{way}",
    )
    for name in SMALL
    for way in WAYS
]


@pytest.fixture(autouse=True, scope="module")
def _quick(quick_compilation):
    """Programs are tiny, and many."""


def made(name, **options):
    return s5rl.make_core(name, **SMALL[name] | {"features": H} | options)


def inputs(core, width=5, length=T):
    """Variables, a carry that has read something, x, reset and a cotangent of y.

    One lane is reset where a chunk begins and where one ends, the other inside.
    """
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(length, B, width)), jnp.float32)
    reset = np.zeros((length, B), bool)
    reset[[CHUNK, 2 * CHUNK - 1, 2 * CHUNK], 0] = True
    reset[CHUNK + 1, 1] = True
    reset = jnp.asarray(reset)
    carry = core.initial_carry(B)
    drawn = jax.eval_shape(core.init, jax.random.key(1), carry, x, reset)
    # Not as they are drawn: zeros, a learned start among them, must count as well.
    variables = jax.tree.map(
        lambda v: 0.3 * jnp.asarray(rng.normal(size=v.shape), v.dtype), drawn
    )
    carry, y = jax.jit(core.apply)(variables, carry, x[:1], reset[:1])
    y_bar = jnp.cos(jnp.arange(length * y[0].size, dtype=jnp.float32))
    return variables, carry, x, reset, y_bar.reshape(length, *y.shape[1:])


def assert_close(got, want):
    def close(a, b):
        scale = max(1.0, np.abs(b).max(initial=0))  # gradients are sums over steps
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5 * scale)

    jax.tree.map(close, got, want)


@pytest.mark.thinned(4)
@pytest.mark.parametrize(("name", "way"), CASES)
def test_chunks_and_layers_computed_again_equal_one_call(name, way):
    options = {"num_layers": 2 if "scan_layers" in WAYS[way] else 1}
    if name != "mlp":
        options["learned_initial_state"] = True
    core = made(name, **WAYS[way], **options)
    if "scan_layers" in WAYS[way]:
        options["scan_layers"] = True
    plain = made(name, **options)
    variables, carry, x, reset, y_bar = inputs(plain)
    drawn = jax.eval_shape(core.init, jax.random.key(1), carry, x, reset)
    assert jax.tree.map(jnp.shape, drawn) == jax.tree.map(jnp.shape, variables)
    carry_bar = [0.5 * jnp.ones_like(leaf) for leaf in floats(carry)]
    rest = variables, carry, x, reset, carry_bar, y_bar
    assert_close(run_and_gradients(core, *rest), run_and_gradients(plain, *rest))


@pytest.mark.thinned(2)
@pytest.mark.parametrize("way", ["chunks", "layers"])
@pytest.mark.parametrize(
    "name", ["gru", pytest.param("s5", marks=pytest.mark.slow)]
)  # fmt: skip
def test_memory_grows_with_chunks_and_not_with_steps(name, way):
    """What a gradient needs beside inputs and outputs, 256 steps and 1,024.

    Layers in a loop: what is written out twice, XLA merges again on a CPU.
    """

    def needed(length, **options):
        core = made(name, num_layers=4, scan_layers=True, **options)
        carry = core.initial_carry(B)
        x, reset = jnp.ones((length, B, H)), jnp.zeros((length, B), bool)
        variables = jax.eval_shape(core.init, jax.random.key(0), carry, x, reset)

        def loss(variables, x):
            return jnp.sum(core.apply(variables, carry, x, reset)[1] ** 2)

        compiled = jax.jit(jax.grad(loss)).lower(variables, x).compile()
        return compiled.memory_analysis().temp_size_in_bytes

    options = {"chunks": {"chunk_length": 64}, "layers": {"remat": True}}[way]
    plain = needed(1024) - needed(256)
    less = needed(1024, **options) - needed(256, **options)
    assert plain > 768 * B * H * 4 * 10  # ten arrays, or there is nothing to save
    assert less < plain * {"chunks": 0.25, "layers": 0.6}[way]


@pytest.mark.parametrize("core", ["s5", "gru"])
def test_a_step_is_what_it_was(core):
    """Acting has no loop over chunks, and computes nothing twice."""

    def program(**options):
        core_ = made(core, **options)
        variables, carry, x, reset, _ = inputs(core_)
        return str(
            jax.make_jaxpr(core_.apply)(variables, carry, x[:1], reset[:1])
        )  # fmt: skip

    assert program(chunk_length=1, remat=True) == program()
    assert "scan" not in program()


def test_chunks_inside_a_shard():
    """Where lanes are spread over devices, a fresh carry is alike on all of them."""
    core = made("s5", **WAYS["chunks"])
    variables, _, x, reset, _ = inputs(core)
    mesh = jax.make_mesh((1,), ("lanes",), axis_types=(jax.sharding.AxisType.Auto,))
    lanes = PartitionSpec(None, "lanes")

    @jax.jit
    @partial(
        jax.shard_map,
        mesh=mesh,
        in_specs=(PartitionSpec(), lanes, lanes),
        out_specs=lanes,
    )
    def run(variables, x, reset):
        return core.apply(variables, core.initial_carry(x.shape[1]), x, reset)[1]

    want = core.apply(variables, core.initial_carry(B), x, reset)[1]
    assert_close(run(variables, x, reset), want)


@pytest.mark.parametrize("length", [0, -1])
@pytest.mark.parametrize("name", ["s5", "mlp"])
def test_what_cannot_be_a_chunk_is_refused(name, length):
    with pytest.raises(ValueError, match=f"chunk_length must be pos.*; got {length}"):
        CORE_CONFIGS[name](chunk_length=length)


@pytest.mark.parametrize("field", ["chunk_length", "remat"])
def test_parts_are_told_nothing_of_the_whole(field):
    with pytest.raises(ValueError, match=f"core 's5' has no option {field!r}"):
        CORE_CONFIGS["hybrid"](options=(f"s5.{field}=1",))
