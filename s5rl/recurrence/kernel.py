"""Two launches on a GPU: time in chunks, all chunks at once, the state between them.

A step is the map `h -> a h + b`; a chunk of steps is one too, `h -> A h + E`. The first
launch composes each chunk's map; the second folds the maps of the chunks before its own
into the state that enters it, scans its chunk from there and stores the states. So `b`
is read twice and the states written once, 24 bytes a complex element where 16 are the
least, and little else is moved.

A program (`s5rl.recurrence.programs`) is one warp and one chunk: 32 channels, each an
environment's feature, one a lane. Complex numbers are planes, all real parts of an
environment before its imaginary ones: XLA has no free view of complex numbers as pairs,
and splitting them costs more than the kernel does.

Written for Pallas's Triton backend, which JAX since 0.11 says will go: this file and
`programs` are all that know of it, and are imported where they are asked for. Compiled
for anything but CUDA, they run interpreted.
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plt

from s5rl.recurrence.programs import Blocks, Layout, compose, scan

# Chunks of channels at once that keep an H200 busy. More would be more maps to fold.
IN_FLIGHT = 131_072


def blocks(length: int, channels: int) -> Blocks:
    """For T steps of B * P channels."""
    unroll, chunks = 8, max(1, IN_FLIGHT // channels)
    chunk = max(pl.cdiv(length, chunks), min(length, 4 * unroll))
    return Blocks(tile=32, unroll=unroll, chunk=pl.cdiv(chunk, unroll) * unroll)


def kernel(
    a: Array, b: Array, reset: Array, entering: Array, *, reverse: bool = False
) -> Array:
    """States, as `reference` gives them, in `b`'s dtype; accumulated in float32.

    Interpreted, off CUDA, it is a loop over programs: slower than every other way.

    Args:
      a: [1, 1, P] multipliers that all steps share, or [T, B, P]. Planar: [1, 1, 2, P]
        or [T, B, 2, P], real parts before imaginary ones.
      b: [T, B, P] inputs, complex64, float32 or bfloat16. Planar: [T, B, 2, P].
      reset: [T, B] bool.
      entering: [B, P], the state before the first step. Planar: [B, 2, P].
      reverse: time runs from the last step to the first.
    """
    if jnp.iscomplexobj(b):
        a, b, entering = (jnp.stack([x.real, x.imag], -2) for x in (a, b, entering))
        h = kernel(a, b, reset, entering, reverse=reverse)
        return lax.complex(h[:, :, 0], h[:, :, 1])
    divided = blocks(len(b), b.shape[1] * b.shape[-1])
    run = partial(_run, divided=divided, reverse=reverse)
    return lax.platform_dependent(
        a,
        b,
        reset.astype(jnp.int8),
        entering.astype(jnp.float32),
        cuda=partial(run, interpret=False),
        default=partial(_interpreted, partial(run, interpret=True)),
    )


# Traced once for layers of one shape, and inlined.
@partial(jax.jit, static_argnames=("divided", "reverse", "interpret"), inline=True)
def _run(a, b, reset, entering, *, divided: Blocks, reverse: bool, interpret: bool):
    """Both launches, or the second alone where there is but one chunk."""
    planes = 1 if b.ndim == 3 else 2
    (length, lanes), features, shared = reset.shape, b.shape[-1], len(a) == 1
    layout = Layout(length, lanes, features, planes, shared, reverse, divided)
    launch = partial(_launch, layout, like=b, interpret=interpret)
    chunks = pl.cdiv(length, divided.chunk)
    inputs = a.reshape(len(a), -1), b.reshape(length, -1), reset
    maps = ()
    if chunks > 1:
        size = chunks - 1, 2 * planes + 1, lanes * features
        maps = (launch(compose, inputs, size, jnp.float32, chunks - 1),)
    inputs = *inputs, entering.reshape(-1), *maps
    return launch(scan, inputs, (length, b[0].size), b.dtype, chunks).reshape(b.shape)


def _launch(layout, program, inputs, shape, dtype, chunks, *, like, interpret):
    # It varies over devices as `like` does (`jax.shard_map`).
    out = jax.eval_shape(lambda x: jnp.zeros_like(x, dtype, shape=shape), like)
    tiles = pl.cdiv(layout.lanes * layout.features, layout.divided.tile)
    return pl.pallas_call(
        partial(program, layout),
        out_shape=out,
        grid=(tiles, chunks),
        interpret=interpret,
        compiler_params=plt.CompilerParams(num_warps=1),
        name=f"linear_recurrence_{program.__name__}",
    )(*inputs)


def _interpreted(run: Callable[..., Array], *inputs: Array) -> Array:
    """JAX's interpreter does not mix what varies over devices with what does not.

    So inside `jax.shard_map` its inputs pass for alike on all devices: a sum that is
    not checked forgets that they vary. The states are marked again.
    """
    if not jax.sharding.get_abstract_mesh().manual_axes:
        return run(*inputs)
    every = jax.sharding.PartitionSpec()
    alike = jax.shard_map(
        lambda *given: [x + jnp.zeros((), x.dtype) for x in given],
        in_specs=every,
        out_specs=every,
        check_vma=False,
    )
    h = run(*alike(*inputs))
    never = jnp.zeros_like(inputs[1], bool, shape=())
    return jnp.where(never, jnp.zeros((), h.dtype), h)
