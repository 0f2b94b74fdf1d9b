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
    chosen: Array,
    function: Callable[..., Any],
    operands: tuple[Any, ...],
    other: Any,
    *,
    smallest: int = 16,
    parts: int = 64,
) -> Any:
    """`function(*operands)` where `chosen` [], `other` elsewhere.

    Args:
      chosen: [] bool.
      function: of one lane. Closes over no traced value that `vmap` maps.
      operands: pytrees of arrays; what no `vmap` maps is shared and never copied.
      other: a pytree like the function's result.
      smallest: lanes of the least chunk; a batch this small is computed all at once.
      parts: a larger batch's chunk is this part of it. Many for few lanes at a time,
        as of those whose episode ends in one step; fewer for a good share of them.
    """
    leaves, structure = jax.tree.flatten(operands)

    def apply(leaves):
        return function(*jax.tree.unflatten(structure, leaves))

    lanes = _over_lanes(apply, (False,) * len(leaves), smallest, parts)
    one = jax.tree.map(lambda x: jnp.asarray(x)[None], (chosen, other))
    return jax.tree.map(lambda x: x[0], lanes(*one, leaves))


def _over_lanes(
    apply: Callable[[list[Any]], Any], own: tuple[bool, ...], smallest: int, parts: int
):
    """`(chosen [n], other [n, ...], leaves) -> [n, ...]`.

    `own` says of each leaf whether every lane has its own, [n, ...], or all share one.
    """
    axes = ([0 if mine else None for mine in own],)
    apply_all = partial(jax.vmap, apply, axes)

    @jax.custom_batching.custom_vmap
    def choose(chosen, other, leaves):
        n = len(chosen)
        chunk = max(smallest, n // parts)
        count = jnp.sum(chosen, dtype=jnp.int32)

        def every(kept):
            results = apply_all(axis_size=n)(leaves)
            select = jax.vmap(jax.lax.select)
            return jax.tree.map(partial(select, chosen), results, kept)

        def any_at_all(kept):
            if n <= chunk:
                return every(kept)
            most = 4 * count > 3 * n
            kept = _if(most, every, kept)
            of_chunk = apply_all(axis_size=chunk)
            return _in_chunks(of_chunk, own, chosen & ~most, chunk, kept, leaves)

        # Around both loops, so that where nothing is chosen only one does not begin.
        return _if(count > 0, any_at_all, other)

    @choose.def_vmap
    def flatten(axis_size, in_batched, *operands):
        make = partial(_over_lanes, apply, smallest=smallest, parts=parts)
        out = _as_one_batch(make, own, axis_size, in_batched, *operands)
        return out, jax.tree.map(lambda _: True, out)

    return choose


def _if(condition: Array, function: Callable[[Any], Any], x: Any) -> Any:
    """`function(x)` if `condition` [], else `x`, which is then not even copied.

    A `lax.cond` copies what it hands through, every lane's state and task at every
    step; a loop of one round or none works in place.
    """

    def once(carry):
        return jnp.zeros((), bool), function(carry[1])

    return jax.lax.while_loop(lambda carry: carry[0], once, (condition, x))[1]


def _in_chunks(apply, own, chosen, chunk, other, leaves):
    """`other` [n, ...] with the results for the lanes that are `chosen` in it.

    Args:
      apply: of a chunk of lanes.
      own: as `_over_lanes` has it.
      chosen: [n] bool.
      chunk: how many lanes `apply` takes.
      other: a pytree of arrays [n, ...].
      leaves: [n, ...] each or, where all lanes share it, of any shape.
    """
    n = len(chosen)
    # The first ones have the highest rank. The k highest are quicker found than all
    # that are not zero, and quickest of floats, which count lanes up to 2^24.
    rank = jnp.arange(n, 0, -1, dtype=jnp.float32)

    def one_chunk(carry):
        left, kept = carry
        highest, now = jax.lax.top_k(jnp.where(left, rank, 0), chunk)
        # Lane n does not exist: reads are clamped to a real one, writes dropped.
        now = jnp.where(highest > 0, now, n)
        given = [
            x.at[now].get(mode="clip") if mine else x
            for x, mine in zip(leaves, own, strict=True)
        ]
        results = apply(given)
        left, kept = jax.tree.map(
            lambda old, new: old.at[now].set(new, mode="drop"),
            (left, kept),
            (False, results),
        )
        return left, kept

    def any_left(carry):
        return carry[0].any()

    return jax.lax.while_loop(any_left, one_chunk, (chosen, other))[1]


def _as_one_batch(make, own, axis_size, in_batched, chosen, other, leaves):
    """A batch of batches is one longer batch: [axis_size, n, ...].

    `make(own)` is the work over it; `in_batched` says, leaf by leaf of the three
    operands, which have the outer axis.
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
    out = make(tuple(batched or mine for batched, mine in pairs))(
        merge(chosen, in_batched[0]),
        jax.tree.map(merge, other, in_batched[1]),
        [spread(x, *pair) for x, pair in zip(leaves, pairs, strict=True)],
    )
    return jax.tree.map(lambda x: x.reshape(axis_size, n, *x.shape[1:]), out)
