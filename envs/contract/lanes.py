"""Work for some lanes of a batch, at a price that follows how many they are.

Under `vmap` a condition becomes a selection: both sides are computed, for every lane.
`where` has a batching rule of its own that sees the whole batch, however many vmaps
deep, and takes one of three ways. Values are those of the selection, bit for bit, but
for products and sums that a compiler may contract in one way and not in another.

- "chunks", on a CPU: does nothing if no lane is chosen, gathers a chunk of lanes at a
  time if some are, and computes all at once if most are.
- "select", on any other device, for work that is short: there a lane is nearly free,
  and a condition that the host has to hear of is not.
- "any", there too, for work that is long: all lanes if one is chosen.

Which of them is decided when a program is lowered, for what it is lowered for.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

Way = Literal["chunks", "select", "any"]

_forced: ContextVar[Way | None] = ContextVar("way", default=None)
# Work is long if it launches more, one after another, than a wait for the host costs:
# three to five microseconds each, and ten to twenty. Loops and sorts launch many; these
# about one each, and all else is fused with its neighbours.
_MANY = frozenset(("while", "scan", "sort", "top_k"))
_ONE = frozenset(
    ("random_bits", "random_split", "random_fold_in", "threefry2x32", "dot_general")
)
_WAIT = 8


def where(
    chosen: Array,
    function: Callable[..., Any],
    operands: tuple[Any, ...],
    other: Any,
    *,
    smallest: int = 16,
    parts: int = 64,
    whole: bool = True,
) -> Any:
    """`function(*operands)` where `chosen` [], `other` elsewhere.

    Args:
      chosen: [] bool.
      function: of one lane. Closes over no traced value that `vmap` maps.
      operands: pytrees of arrays; what no `vmap` maps is shared and never copied.
      other: a pytree like the function's result.
      smallest: lanes of the least chunk; a batch this small is computed all at once.
      parts: a larger batch's chunk is this part of it. Many for few lanes at a time,
        as of those whose episode ends in one step; fewer for a good share of them; 1
        where it is mostly all or none.
      whole: whether a program for all lanes at once is compiled beside that for chunks,
        for steps in which most are chosen.
    """
    leaves, structure = jax.tree.flatten(operands)

    @jax.jit  # traced once, for all programs that have it
    def apply(leaves):
        return function(*jax.tree.unflatten(structure, leaves))

    way = _forced.get()
    lanes = _over_lanes(
        _Work(apply, way, smallest, parts, whole), (False,) * len(leaves)
    )
    one = jax.tree.map(lambda x: jnp.asarray(x)[None], (chosen, other))
    return jax.tree.map(lambda x: x[0], lanes(*one, leaves))


@contextmanager
def forced(way: Way | None) -> Iterator[None]:
    """What is traced inside takes this way, whatever it is lowered for.

    For measuring; None leaves the choice. JAX keeps traces, and an environment may be
    traced when it is made: make it inside.
    """
    token = _forced.set(way)
    try:
        yield
    finally:
        _forced.reset(token)


class _Work(NamedTuple):
    """What is done for a lane, and how; see `where`."""

    apply: Callable[[list[Any]], Any]
    way: Way | None
    smallest: int
    parts: int
    whole: bool


def _over_lanes(work: _Work, own: tuple[bool, ...]):
    """`(chosen [n], other [n, ...], leaves) -> [n, ...]`.

    `own` says of each leaf whether every lane has its own, [n, ...], or all share one.
    """
    axes = ([0 if mine else None for mine in own],)
    apply_all = partial(jax.vmap, work.apply, axes)

    def select(chosen, other, leaves):
        results = apply_all(axis_size=len(chosen))(leaves)
        one = jax.vmap(jax.lax.select)
        return jax.tree.map(partial(one, chosen), results, other)

    def if_any(chosen, other, leaves):
        every = partial(select, chosen, leaves=leaves)
        return _if(chosen.any(), every, other)

    def chunks(chosen, other, leaves):
        n = len(chosen)
        chunk = max(work.smallest, n // work.parts)
        if n <= chunk:
            return if_any(chosen, other, leaves)
        count = jnp.sum(chosen, dtype=jnp.int32)
        most = 4 * count > 3 * n if work.whole else jnp.zeros((), bool)

        def any_at_all(kept):
            if work.whole:
                kept = _if(most, partial(select, chosen, leaves=leaves), kept)
            of_chunk = apply_all(axis_size=chunk)
            return _in_chunks(of_chunk, own, chosen & ~most, chunk, kept, leaves)

        # Around both loops, so that where nothing is chosen only one does not begin.
        return _if(count > 0, any_at_all, other)

    @jax.custom_batching.custom_vmap
    def choose(chosen, other, leaves):
        ways = {"chunks": chunks, "select": select, "any": if_any}
        if work.way is not None:
            return ways[work.way](chosen, other, leaves)
        elsewhere = if_any if _is_long(work.apply, own, leaves) else select
        return jax.lax.platform_dependent(
            chosen, other, leaves, cpu=chunks, default=elsewhere
        )

    @choose.def_vmap
    def flatten(axis_size, in_batched, *operands):
        make = partial(_over_lanes, work)
        out = _as_one_batch(make, own, axis_size, in_batched, *operands)
        return out, jax.tree.map(lambda _: True, out)

    return choose


def _is_long(apply: Callable[[list[Any]], Any], own, leaves) -> bool:
    """Whether a batch's work launches more than a wait is worth."""
    one = [
        jax.eval_shape(lambda x: x[0], x) if mine else x
        for x, mine in zip(leaves, own, strict=True)
    ]
    return _launches(jax.make_jaxpr(apply)(one).jaxpr) > _WAIT


def _launches(jaxpr: Any) -> int:
    """About how many; of a loop or a sort, more than any wait is worth."""
    count = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name in _MANY:
            return _WAIT + 1
        count += name in _ONE
        for inner in jax.tree.leaves(list(equation.params.values())):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                count += _launches(inner)
    return count


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
