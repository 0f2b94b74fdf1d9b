"""The kernel itself, interpreted: planes, bfloat16, edges of chunks, and its lowering.

What every way has to keep, it keeps in the tests beside this one.

mutant                                  | the test that failed: test_…
--------------------------------------- | --------------------------------------------
a chunk folds its own map too           | equals_the_definition_at_the_edges_of_blocks
rows run forward where time is reversed | equals_the_definition_at_the_edges_of_blocks
steps beyond the last are not masked    | equals_the_definition_at_the_edges_of_blocks
a chunk is no whole number of turns     | blocks_cover_time_and_keep_a_gpu_busy
the last tile's lanes are not masked    | nothing_is_read_or_written_out_of_bounds
maps beyond the last are loaded         | nothing_is_read_or_written_out_of_bounds
either program multiplies by the flag   | what_a_reset_drops_leaves_no_trace
emptied is read off A == 0              | what_is_lost_stays_lost_until_a_reset
states are rounded between steps        | bfloat16_is_rounded_once
the interpreter is compiled for CUDA    | lowers_for_cuda
indices are as wide as the session      | a_wide_session_neither_widens_nor_refuses_it
"""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractDevice, AbstractMesh

from s5rl import linear_recurrence
from s5rl.recurrence import kernel as module
from s5rl.recurrence import programs
from s5rl.recurrence.kernel import kernel
from s5rl.recurrence.programs import Blocks

SMALL = Blocks(tile=4, unroll=2, chunk=4)
FULL = Blocks(tile=32, unroll=8, chunk=32)
BLOCKS = module.blocks  # before a fixture made them small
CLOSE = {"rtol": 2e-5, "atol": 2e-5}  # float32, T steps of |a| < 1
FORMS = ("real", "complex", "planar")
slow = pytest.mark.slow


def drawn(length, lanes, features, shared, seed=0):
    """Complex (a, b, entering) of numpy, |a| <= 0.9."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    shape = length, lanes, features
    a = normal(1, 1, features) if shared else normal(*shape)
    return 0.9 * a / np.maximum(1, np.abs(a)), normal(*shape), normal(lanes, features)


def formed(form, *arrays):
    """Complex numbers as the kernel may take them; of real ones the imaginary is 0."""
    if form == "planar":
        arrays = [np.stack([x.real, x.imag], -2) for x in arrays]
    kept = "complex64" if form == "complex" else "float32"
    return [jnp.asarray(x.real if form == "real" else x, kept) for x in arrays]


def unformed(form, h):
    h = np.asarray(h)
    return h[:, :, 0] + 1j * h[:, :, 1] if form == "planar" else h


def oracle(a, b, reset, entering, reverse):
    """One step after another in double precision."""
    h, states = entering, np.zeros_like(b)
    for t in reversed(range(len(b))) if reverse else range(len(b)):
        h = np.where(reset[t][:, None], 0, a[min(t, len(a) - 1)] * h) + b[t]
        states[t] = h
    return states


def resets(length, lanes, chunk):
    """None, all, random, and at the edges of chunks, whichever way time runs."""
    rng = np.random.default_rng(length)
    edges = np.arange(length) % chunk
    back = np.arange(length)[::-1] % chunk
    alone = np.ones((1, lanes), bool)
    yield "none", np.zeros((length, lanes), bool)
    yield "all", np.ones((length, lanes), bool)
    yield "random", rng.random((length, lanes)) < 0.3
    for where in (0, 1, chunk - 1):
        yield f"at {where}", (edges == where)[:, None] & alone
        yield f"at {where} from behind", (back == where)[:, None] & alone


@pytest.fixture
def run(monkeypatch):
    """The kernel under given blocks, compiled."""

    def compiled(divided=SMALL, *, reverse=False):
        monkeypatch.setattr(module, "blocks", lambda *_: divided)
        return jax.jit(partial(kernel, reverse=reverse))

    return compiled


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    ("form", "shared", "reverse", "sizes"),
    [
        ("planar", True, False, (9, 2, 3)),
        ("planar", False, True, (10, 1, 5)),
        ("real", True, True, (5, 1, 4)),
        ("real", False, False, (8, 1, 3)),
        *(
            pytest.param(form, shared, reverse, sizes, marks=slow)
            for form in FORMS
            for shared in (True, False)
            for reverse in (False, True)
            for sizes in ((2, 1, 1), (3, 2, 3), (4, 1, 4), (5, 1, 5), (12, 3, 3))
        ),
    ],
)
def test_equals_the_definition_at_the_edges_of_blocks(
    run, form, shared, reverse, sizes
):
    a, b, entering = drawn(*sizes, shared)
    if form == "real":
        a, b, entering = (x.real + 0j for x in (a, b, entering))
    run = run(reverse=reverse)
    ours = formed(form, a, b, entering)
    for name, reset in resets(*sizes[:2], SMALL.chunk):
        h = run(*ours[:2], reset, ours[2])
        assert h.dtype == ours[1].dtype
        want = oracle(a, b, reset, entering, reverse)
        np.testing.assert_allclose(unformed(form, h), want, **CLOSE, err_msg=name)


@pytest.mark.parametrize(
    ("form", "shared", "reverse"),
    [
        ("planar", True, True),
        pytest.param("complex", False, False, marks=slow),
        pytest.param("real", True, False, marks=slow),
    ],
)
def test_equals_the_definition_in_full_blocks(run, form, shared, reverse):
    """As on a GPU: nine chunks, so that their maps fill one turn of the fold."""
    length, lanes, features = 9 * FULL.chunk - 3, 3, 13
    a, b, entering = drawn(length, lanes, features, shared)
    if form == "real":
        a, b, entering = (x.real + 0j for x in (a, b, entering))
    reset = np.random.default_rng(1).random((length, lanes)) < 0.01
    ours = formed(form, a, b, entering)
    h = run(FULL, reverse=reverse)(*ours[:2], reset, ours[2])
    want = oracle(a, b, reset, entering, reverse)
    np.testing.assert_allclose(unformed(form, h), want, **CLOSE)


def test_blocks_cover_time_and_keep_a_gpu_busy():
    for length in (2, 7, 8, 33, 1000, 1024, 4096, 16_384):
        for channels in (1, 100, 1024, 8192, 16_384, 1_000_000):
            tile, unroll, chunk = BLOCKS(length, channels)
            chunks = -(-length // chunk)
            assert tile & (tile - 1) == 0 and chunk % unroll == 0
            assert (chunks - 1) * chunk < length <= chunks * chunk
            assert chunks == 1 or chunks * channels <= 131_072
    # As measured: 131,072 channels of chunks in flight, and maps not too many.
    assert BLOCKS(1024, 64 * 128).chunk == 64
    assert BLOCKS(16_384, 8 * 128).chunk == 128
    assert BLOCKS(64, 1).chunk == 32


@pytest.mark.parametrize("reverse", [pytest.param(False, marks=slow), True])
@pytest.mark.parametrize(
    ("form", "shared"), [("planar", False), pytest.param("real", True, marks=slow)]
)
def test_nothing_is_read_or_written_out_of_bounds(
    run, monkeypatch, form, shared, reverse
):
    """The interpreter lets it pass; on a GPU it is somebody else's memory.

    Four chunks in turns of two, the last of one step; five channels in fours.
    """
    seen = []

    def watched(access):
        def watching(view, *value, mask, **options):
            (indices,) = (transform.indices for transform in view.transforms)
            left = [
                (index < 0) | (index >= size)
                for index, size in zip(indices, view.ref.shape, strict=True)
            ]
            left = jnp.stack(jnp.broadcast_arrays(*left)).any(0)
            jax.debug.callback(seen.append, jnp.stack([left, left & mask]).any(1))
            return access(view, *value, mask=mask, **options)

        return watching

    accesses = {
        name: watched(getattr(programs.plt, name)) for name in ("load", "store")
    }
    monkeypatch.setattr(programs, "plt", SimpleNamespace(**accesses))
    a, b, entering = formed(form, *drawn(13, 1, 5, shared))
    jax.block_until_ready(run(reverse=reverse)(a, b, np.zeros((13, 1), bool), entering))
    jax.effects_barrier()
    unmasked, masked = np.any(seen, axis=0)
    assert unmasked and not masked


@pytest.mark.parametrize("poison", [np.nan, pytest.param(np.inf, marks=slow)], ids=str)
@pytest.mark.parametrize("form", ["real", pytest.param("planar", marks=slow)])
def test_what_a_reset_drops_leaves_no_trace(run, form, poison):
    """Bit for bit, wherever in a chunk it stands, and chunks later."""
    length, cut = 16, 6
    reset = (np.arange(length) == cut)[:, None] & np.ones((1, 2), bool)
    a, b, entering = formed(form, *drawn(length, 2, 3, shared=False))
    run = run()
    want = np.asarray(run(a, b, reset, entering))
    for name, index, place in (
        ("entering", 2, 0),
        ("b in a chunk before", 1, (2, 0)),
        ("b in the same chunk", 1, (cut - 1, 0)),
        ("a in a chunk before", 0, (1, 0)),
        ("a at the reset", 0, (cut, 0)),
    ):
        inputs = [np.array(x) for x in (a, b, entering)]
        inputs[index][place] = poison
        got = np.asarray(run(*inputs[:2], reset, inputs[2]))
        np.testing.assert_array_equal(got[cut:], want[cut:], err_msg=name)
        np.testing.assert_array_equal(got[:, 1], want[:, 1], err_msg=name)
        assert name == "a at the reset" or not np.isfinite(got[cut - 1, 0]).any()


def test_what_is_lost_stays_lost_until_a_reset(run):
    """Even where the product of multipliers over a chunk underflows to zero."""
    length, lanes, features = 16, 2, 3
    a = jnp.full((1, 1, features), 1e-20)
    b = jnp.ones((length, lanes, features))
    reset = np.zeros((length, lanes), bool)
    reset[14] = True
    entering = jnp.zeros((lanes, features)).at[0].set(jnp.nan)
    h = np.asarray(run()(a, b, reset, entering))
    assert np.isnan(h[:14, 0]).all() and np.isfinite(h[14:]).all()
    assert np.isfinite(h[:, 1]).all()


@pytest.mark.parametrize("planar", [False, pytest.param(True, marks=slow)])
def test_bfloat16_is_rounded_once(run, planar):
    """States are stored in it; between steps and chunks they are float32."""
    form = "planar" if planar else "real"
    a, b, entering = formed(form, *drawn(12, 1, 4, shared=True))
    b = b.astype(jnp.bfloat16)
    reset = np.random.default_rng(0).random((12, 1)) < 0.1
    got = run()(a, b, reset, entering)
    assert got.dtype == jnp.bfloat16
    want = run()(a, b.astype(jnp.float32), reset, entering)
    np.testing.assert_array_equal(got, want.astype(jnp.bfloat16))


def lowered(function, *shapes):
    """The StableHLO of a program for a GPU that need not be there."""
    gpu = AbstractDevice(
        device_kind="NVIDIA H100 80GB HBM3", num_cores=None, platform="gpu"
    )
    with jax.sharding.use_abstract_mesh(AbstractMesh((), (), abstract_device=gpu)):
        traced = jax.jit(function).trace(*shapes)
        return traced.lower(lowering_platforms=("cuda",)).as_text()


def shapes(form, length, shared=True, dtype="float32"):
    a, b, entering = drawn(2, 3, 5, shared)
    a, b, entering = formed(form, a, b, entering)
    size = length, *b.shape[1:]
    dtype = b.dtype if form == "complex" else dtype
    a = jax.ShapeDtypeStruct(a.shape if shared else size, a.dtype)
    reset = jax.ShapeDtypeStruct((length, 3), jnp.bool_)
    return a, jax.ShapeDtypeStruct(size, dtype), reset, entering


TRITON = "__gpu$xla.gpu.triton"
LOWERS = pytest.mark.filterwarnings(
    "ignore:The Pallas Triton backend:DeprecationWarning"
)


@LOWERS
@pytest.mark.parametrize(
    ("form", "shared", "dtype"),
    [
        ("planar", True, "float32"),
        ("planar", False, "bfloat16"),
        ("real", True, "float32"),
        pytest.param("complex", True, "float32", marks=slow),
        pytest.param("planar", False, "float32", marks=slow),
        pytest.param("real", False, "float32", marks=slow),
        pytest.param("real", True, "bfloat16", marks=slow),
        pytest.param("complex", False, "float32", marks=slow),
    ],
)
def test_lowers_for_cuda(run, form, shared, dtype):
    """Two launches, or one where there is one chunk; and nothing is interpreted."""
    for reverse in (False, True):
        run_on = run(FULL, reverse=reverse)
        text = lowered(run_on, *shapes(form, 70, shared, dtype))
        assert text.count(TRITON) == 2 and "stablehlo.while" not in text
    text = lowered(run(FULL), *shapes(form, 32, shared, dtype))
    assert text.count(TRITON) == 1


@LOWERS
def test_gradients_and_maps_lower_for_cuda(run):
    run(FULL)

    def loss(a, b, reset, carry):
        return jnp.sum(linear_recurrence(a, b, reset, carry, method="kernel")[1] ** 2)

    seeds, length = 4, 70
    shaped = [(5,), (length, 3, 5), (length, 3), (3, 5)]
    dtypes = [jnp.float32, jnp.float32, jnp.bool_, jnp.float32]
    inputs = [
        jax.ShapeDtypeStruct((seeds, *shape), dtype)
        for shape, dtype in zip(shaped, dtypes, strict=True)
    ]
    gradients = jax.vmap(jax.grad(loss, argnums=(0, 1, 3)))
    text = lowered(gradients, *inputs)
    assert text.count(TRITON) == 4 and "stablehlo.while" not in text


@LOWERS
def test_a_wide_session_neither_widens_nor_refuses_it(run):
    """float32 in a session of 64 bits: indices of either width would fail to mix."""
    with jax.enable_x64(True):
        a, b, entering = drawn(6, 1, 2, shared=True)
        ours, reset = formed("planar", a, b, entering), np.zeros((6, 1), bool)
        h = run()(*ours[:2], reset, ours[2])
        assert h.dtype == jnp.float32
        assert lowered(run(FULL), *shapes("planar", 70)).count(TRITON) == 2
    want = oracle(a, b, reset, entering, reverse=False)
    np.testing.assert_allclose(unformed("planar", h), want, **CLOSE)
