"""What one program of the kernel does: compose the map of a chunk, or scan the chunk.

See `s5rl.recurrence.kernel` for the division of the work. Program (i, j) has the i-th
tile of channels and the j-th chunk of time, counted from the last step where time is
reversed.
"""

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton as plt

# Real parts of a program's channels, and imaginary ones where there are any.
Planes = tuple[Array, ...]


class Blocks(NamedTuple):
    """How the work is divided among programs."""

    tile: int  # channels of a program, a power of two
    unroll: int  # steps that are loaded before the first of them is used
    chunk: int  # steps of a program, a multiple of `unroll`


class Layout(NamedTuple):
    """What programs know of the arrays; a row of them is a step, B * planes * P."""

    length: int
    lanes: int
    features: int
    planes: int
    shared: bool  # one row of multipliers, planes * P, for every step and lane
    reverse: bool
    divided: Blocks


class Channels(NamedTuple):
    """Where a program's channels stand in a row; all of [tile]."""

    number: Array  # of B * P
    lane: Array  # of B
    inputs: Planes
    multipliers: Planes
    inside: Array  # False beyond the last channel


def _channels(layout: Layout) -> Channels:
    tile, features, planes = layout.divided.tile, layout.features, layout.planes
    number = pl.program_id(0) * tile + lax.iota(jnp.int32, tile)
    width = jnp.int32(features)  # not of 64 bits, in a session of them
    lane, feature = lax.div(number, width), lax.rem(number, width)
    own = tuple(feature + plane * features for plane in range(planes))
    inputs = tuple(lane * (planes * features) + plane for plane in own)
    inside = number < layout.lanes * features
    return Channels(number, lane, inputs, own if layout.shared else inputs, inside)


def compose(layout: Layout, a_ref, b_ref, reset_ref, maps_ref):
    """The map of a chunk: A, E, and whether a reset cut it off from what enters."""
    channels = _channels(layout)
    zero = jnp.zeros(layout.divided.tile, jnp.float32)
    nothing = (zero,) * layout.planes

    def step(composed, _row, _inside, a, b, first):
        through, end, is_cut = composed
        end = _select(first, b, _step(a, end, b))
        # Beyond a reset the product may become anything: it is not read again.
        return _multiply(a, through), end, is_cut | first

    identity = (zero + 1, *nothing[1:]), nothing, zero > 0
    refs = a_ref, b_ref, reset_ref
    through, end, is_cut = _over_chunk(layout, refs, channels, step, identity)
    for place, word in enumerate((*through, *end, is_cut.astype(jnp.float32))):
        target = maps_ref.at[pl.program_id(1), place, channels.number]
        plt.store(target, word, mask=channels.inside)


def scan(layout: Layout, a_ref, b_ref, reset_ref, entering_ref, *rest):
    """The states of a chunk, from what the chunks before it make of `entering`."""
    *maps_ref, h_ref = rest
    channels = _channels(layout)
    places, inside = channels.inputs, channels.inside
    state = tuple(_load(entering_ref.at[place], inside) for place in places)
    if maps_ref:
        state = _fold(layout, maps_ref[0], channels, state)

    def step(state, row, inside, a, b, first):
        state = _select(first, b, _step(a, state, b))
        for place, plane in zip(places, state, strict=True):
            plt.store(h_ref.at[row, place], plane.astype(h_ref.dtype), mask=inside)
        return state

    _over_chunk(layout, (a_ref, b_ref, reset_ref), channels, step, state)


def _over_chunk(layout: Layout, refs, channels: Channels, step, state):
    """Runs `step(state, row, inside, a, b, first)` over the steps of this program."""
    a_ref, b_ref, reset_ref = refs
    unroll, chunk = layout.divided.unroll, layout.divided.chunk
    begin = pl.program_id(1) * chunk

    def read(ref, row, places, inside):
        planes = (_load(ref.at[row, place], inside) for place in places)
        return tuple(plane.astype(jnp.float32) for plane in planes)

    multipliers = partial(read, a_ref, places=channels.multipliers)
    shared = multipliers(0, inside=channels.inside) if layout.shared else None

    def load(time):
        row = layout.length - 1 - time if layout.reverse else time
        inside = channels.inside & (time < layout.length)
        a = multipliers(row, inside=inside) if shared is None else shared
        b = read(b_ref, row, channels.inputs, inside)
        first = _load(reset_ref.at[row, channels.lane], inside) != 0
        return row, inside, a, b, first

    def some(index, state):
        # Loaded a turn ahead they would be state of the loop, and compile for minutes.
        for loaded in [load(begin + index * unroll + i) for i in range(unroll)]:
            state = step(state, *loaded)
        return state

    return lax.fori_loop(jnp.int32(0), jnp.int32(chunk // unroll), some, state)


def _fold(layout: Layout, maps_ref, channels: Channels, state: Planes) -> Planes:
    """Sends a state through the maps of all chunks before this program's own."""
    unroll, planes, mine = layout.divided.unroll, layout.planes, pl.program_id(1)

    def load(chunk):
        inside, words = channels.inside & (chunk < mine), range(2 * planes + 1)
        places = (maps_ref.at[chunk, word, channels.number] for word in words)
        *words, is_cut = (_load(place, inside) for place in places)
        return chunk < mine, words[:planes], words[planes:], is_cut > 0

    def some(index, state):
        for is_before, through, end, is_cut in [
            load(index * unroll + i) for i in range(unroll)
        ]:
            after = _select(is_cut, end, _step(through, state, end))
            state = _select(is_before, after, state)
        return state

    turns = lax.div(mine + (unroll - 1), jnp.int32(unroll))
    return lax.fori_loop(jnp.int32(0), turns, some, state)


def _load(ref, inside: Array) -> Array:
    return plt.load(ref, mask=inside, other=jnp.zeros((), ref.dtype))


def _multiply(a, h) -> Planes:
    if len(a) == 1:
        return (a[0] * h[0],)
    return a[0] * h[0] - a[1] * h[1], a[0] * h[1] + a[1] * h[0]


def _step(a, h, b) -> Planes:
    return tuple(x + y for x, y in zip(_multiply(a, h), b, strict=True))


def _select(condition: Array, chosen, otherwise) -> Planes:
    """What is not selected may be anything, and leaves no trace."""
    pairs = zip(chosen, otherwise, strict=True)
    return tuple(jnp.where(condition, x, y) for x, y in pairs)
