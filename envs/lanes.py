"""Work for some lanes of a batch, at a price that follows how many they are.

Under `vmap` a condition becomes a selection: both sides are computed, for every lane.
`where` has a batching rule of its own that sees the whole batch, however many vmaps
deep. It does nothing if no lane is chosen, gathers a chunk of lanes at a time if some
are, and computes all at once if most are. Values are those of the selection, bit for
bit.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def where(
    chosen: Array, function: Callable[..., Any], operands: tuple[Any, ...], other: Any
) -> Any:
    """`function(*operands)` where `chosen` [], `other` elsewhere.

    Args:
      chosen: [] bool.
      function: of one lane. Closes over no traced value that `vmap` maps.
      operands: pytrees of arrays; what no `vmap` maps is shared and never copied.
      other: a pytree like the function's result.
    """
    leaves, structure = jax.tree.flatten(operands)

    def apply(leaves):
        return function(*jax.tree.unflatten(structure, leaves))

    lanes = _over_lanes(apply, (False,) * len(leaves))
    one = jax.tree.map(lambda x: jnp.asarray(x)[None], (chosen, other))
    return jax.tree.map(lambda x: x[0], lanes(*one, leaves))


def _over_lanes(apply: Callable[[list[Any]], Any], own: tuple[bool, ...]):
    """`(chosen [n], other [n, ...], leaves) -> [n, ...]`.

    `own` says of each leaf whether every lane has its own, [n, ...], or all share one.
    """
    axes = ([0 if mine else None for mine in own],)
    apply_all = partial(jax.vmap, apply, axes)

    @jax.custom_batching.custom_vmap
    def choose(chosen, other, leaves):
        n = len(chosen)
        chunk = max(16, n // 32)
        count = jnp.sum(chosen, dtype=jnp.int32)

        def none():
            return other

        def every():
            results = apply_all(axis_size=n)(leaves)
            select = jax.vmap(jax.lax.select)
            return jax.tree.map(partial(select, chosen), results, other)

        def some():
            # Lane n does not exist: reads are clamped to a real one, writes dropped.
            (lane,) = jnp.nonzero(chosen, size=n + chunk, fill_value=n)
            of_chunk = apply_all(axis_size=chunk)
            return _in_chunks(of_chunk, own, lane, count, chunk, other, leaves)

        if n <= chunk:
            return jax.lax.cond(count > 0, every, none)
        most = (4 * count > 3 * n).astype(jnp.int32)
        any_at_all = (count > 0).astype(jnp.int32)
        return jax.lax.switch(any_at_all + most, (none, some, every))

    @choose.def_vmap
    def flatten(axis_size, in_batched, *operands):
        out = _as_one_batch(apply, own, axis_size, in_batched, *operands)
        return out, jax.tree.map(lambda _: True, out)

    return choose


def _in_chunks(apply, own, lane, count, chunk, other, leaves):
    """`other` [n, ...] with the results for the first `count` of `lane` in it.

    Args:
      apply: of a chunk of lanes.
      own: as `_over_lanes` has it.
      lane: [n + chunk] int32, lanes that are chosen, then n.
      count: [] int32, how many are.
      chunk: how many lanes `apply` takes.
      other: a pytree of arrays [n, ...].
      leaves: [n, ...] each or, where all lanes share it, of any shape.
    """

    def one_chunk(carry):
        i, kept = carry
        now = jax.lax.dynamic_slice(lane, (i * chunk,), (chunk,))
        given = [
            x.at[now].get(mode="clip") if mine else x
            for x, mine in zip(leaves, own, strict=True)
        ]
        results = apply(given)
        kept = jax.tree.map(
            lambda old, new: old.at[now].set(new, mode="drop"), kept, results
        )
        return i + 1, kept

    def more(carry):
        return carry[0] * chunk < count

    return jax.lax.while_loop(more, one_chunk, (jnp.int32(0), other))[1]


def _as_one_batch(apply, own, axis_size, in_batched, chosen, other, leaves):
    """A batch of batches is one longer batch: [axis_size, n, ...].

    `in_batched` says, leaf by leaf of the three operands, which have the outer axis.
    """
    n = chosen.shape[1 if in_batched[0] else 0]

    def merge(x, batched):
        x = x if batched else jnp.broadcast_to(x, (axis_size, *x.shape))
        return x.reshape(axis_size * n, *x.shape[2:])

    def spread(x, batched, mine):
        if batched and not mine:
            x = jnp.broadcast_to(x[:, None], (axis_size, n, *x.shape[1:]))
        return merge(x, batched) if batched or mine else x

    pairs = list(zip(in_batched[2], own, strict=True))
    out = _over_lanes(apply, tuple(batched or mine for batched, mine in pairs))(
        merge(chosen, in_batched[0]),
        jax.tree.map(merge, other, in_batched[1]),
        [spread(x, *pair) for x, pair in zip(leaves, pairs, strict=True)],
    )
    return jax.tree.map(lambda x: x.reshape(axis_size, n, *x.shape[1:]), out)
