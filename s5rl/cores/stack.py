"""Layers one on another, behind the one interface of memory."""

from functools import partial
from importlib import import_module
from typing import Any, ClassVar, Protocol

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import Array

from s5rl.config import CORES
from s5rl.config.compositions import HybridConfig
from s5rl.cores.describe import Description, describe
from s5rl.cores.parts.block import norm
from s5rl.cores.parts.checked import check_arguments
from s5rl.cores.parts.chunked import in_chunks
from s5rl.cores.parts.dense import Dense
from s5rl.recurrence.rounding import rounded

DEEP = 5  # so many layers, or rounds of a pattern, are turns of a loop by default


class Layer(Protocol):
    """One memory: a `flax.linen.Module` that maps [T, B, H] to [T, B, H].

    Its fields are `features`, H, and `config`. A segment opens with zeros, or with a
    state that is learned (`s5rl.cores.parts.block.initial_state`); what a reset drops
    is selected away. Arguments were checked before.
    """

    reads_any_width: ClassVar[bool]  # of x; False, or left out, where it adds to x

    def initial_carry(self, batch_size: int) -> Any:
        """Memory that has read nothing: zeros, [B, ...] each."""
        ...

    def __call__(self, carry: Any, x: Array, reset: Array) -> tuple[Any, Array]:
        """Maps x [T, B, H] to y [T, B, H], reading and writing `carry`."""
        ...


def layer_class(name: str) -> Any:
    """The class of a core's layers, by the core's name; imports its file."""
    home, _, attribute = CORES[name].layer.partition(":")
    return getattr(import_module(home), attribute)


class Stack(nn.Module):
    """`config.num_layers` layers of one kind, or patterns of several (`Core`).

    Parameters of layer i are `layer_i`; of many layers, which are turns of one loop,
    they are stacked: `rounds/layer_0` [num_layers, ...] (`config.scan_layers`).

    Inputs of another width than `features` pass a dense layer first, where layers add
    to what they read. In a hybrid all do: what adds nothing by itself, as cells, reads
    x normalised and is added to it.

    Where segments open with a learned state, the carry is a pair of what the layers
    remember and opened [B] bool, whether anything was read: a sequence opens like any
    segment, with a reset or without.

    Sequences longer than `config.chunk_length` are read in chunks (`in_chunks`).
    """

    features: int
    config: Any

    def parts(self) -> list[tuple[Any, Any]]:
        """(class, configuration) of each layer."""
        if self.is_hybrid:
            pattern = [(layer_class(name), part) for name, part in self.config.parts()]
            return pattern * self.config.num_layers
        (name,) = [n for n, row in CORES.items() if row.config is type(self.config)]
        return [(layer_class(name), self.config)] * self.config.num_layers

    @property
    def chunk_length(self) -> int | None:
        """Steps that are learned from at a time; None: all at once."""
        return self.config.chunk_length

    @property
    def learns_its_start(self) -> bool:
        """Whether segments open with a learned state."""
        return getattr(self.config, "learned_initial_state", False)

    @property
    def is_hybrid(self) -> bool:
        """Whether layers of several kinds stand here, each of which adds to x."""
        return isinstance(self.config, HybridConfig)

    @property
    def reads_any_width(self) -> bool:
        """Whether the first layer reads inputs as they are, and adds none to them."""
        return _reads_any_width(self.parts()[0][0]) and not self.is_hybrid

    def initial_carry(self, batch_size: int) -> Any:
        """Memory that has read nothing, layer by layer: [B, ...] zeros."""
        # Without a parent: a module made in another's call would become part of it.
        states = tuple(
            layer(self.features, config, parent=None).initial_carry(batch_size)
            for layer, config in self.parts()
        )
        if self.learns_its_start:
            return states, jnp.zeros(batch_size, bool)
        return states

    def describe(self, features_in: int | None = None) -> Description:
        """What it is, and what it costs where inputs are as wide as said (or as it)."""
        return describe(self, features_in)

    @nn.compact
    def __call__(self, carry: Any, x: Array, reset: Array) -> tuple[Any, Array]:
        """Maps x [T, B, features_in] to y [T, B, features] float32."""
        check_arguments(self.initial_carry, carry, x, reset)
        length = self.chunk_length
        # Parameters are the same for every length, and are drawn with one call.
        if length is not None and length < len(x) and not self.is_initializing():
            alone = self.clone(parent=None)
            call = partial(alone.apply, self.variables)
            return in_chunks(call, carry, x, reset, length=length)
        opened = None
        if self.learns_its_start:
            carry, opened = carry
            reset = reset.at[0].set(reset[0] | ~opened)
        x = rounded(x, self.config.dtype)
        if x.shape[-1] != self.features and not self.reads_any_width:
            x = Dense(self.features, dtype=x.dtype, name="encoder")(x)
        apart = self._apart(x.shape[-1])
        after, x = _one_after_another(self, self.parts()[:apart], carry, x, reset)
        if apart < len(carry):
            more, x = self._rounds(carry[apart:], x, reset)
            after += more
        y = x.astype(jnp.float32)
        return (after, opened | True) if opened is not None else after, y

    def _apart(self, width: int) -> int:
        """How many layers are written out, each with parameters of its own name.

        All, or those whose shapes differ from the others': the first round of what
        reads inputs of another width.
        """
        rounds, scanned = self.config.num_layers, self.config.scan_layers
        if rounds == 1 or scanned is False or (scanned is None and rounds < DEEP):
            return len(self.parts())
        return 0 if width == self.features else len(self.parts()) // rounds

    def _rounds(self, carry: tuple, x: Array, reset: Array) -> tuple[tuple, Array]:
        """Rounds of the pattern as turns of one loop, compiled once for all of them."""
        size = len(self.parts()) // self.config.num_layers
        rounds = [carry[i : i + size] for i in range(0, len(carry), size)]
        # Acting is no loop within a step: what it would slice in each turn costs more.
        is_acting = len(x) == 1 and not self.is_initializing()
        scanned = nn.scan(
            lambda one, x, states: one(states, x, reset)[::-1],
            variable_axes={"params": 0},
            split_rngs={"params": True},
            length=len(rounds),
            unroll=len(rounds) if is_acting else 1,
        )
        one = _Round(self.features, self.config, name="rounds")
        stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rounds)
        x, stacked = scanned(one, x, stacked)

        def of_round(index):
            return jax.tree.map(lambda leaf: leaf[index], stacked)

        return sum(map(of_round, range(len(rounds))), ()), x


class _Round(nn.Module):
    """The layers of one round, whose parameters get an axis in front: [rounds, ...]."""

    features: int
    config: Any

    @nn.compact
    def __call__(self, carry: tuple, x: Array, reset: Array) -> tuple[tuple, Array]:
        stack = Stack(self.features, self.config, parent=None)
        return _one_after_another(stack, stack.parts()[: len(carry)], carry, x, reset)


def _reads_any_width(layer: Any) -> bool:
    """Of a layer's class; False, as is right where it adds to x, if it does not say."""
    return getattr(layer, "reads_any_width", False)


def _one_after_another(
    stack: Stack, parts: list, carry: tuple, x: Array, reset: Array
) -> tuple[tuple, Array]:
    """Calls the first layers of a stack, inside the module that is being called."""
    states = []
    for index, (kind, config) in enumerate(parts):
        # No gradients are taken of a single step.
        layer = nn.remat(kind) if stack.config.remat and len(x) > 1 else kind
        made = layer(stack.features, config, name=f"layer_{index}")
        if stack.is_hybrid and _reads_any_width(kind):
            state, y = made(carry[index], norm(x, f"norm_{index}"), reset)
            x = x + y.astype(x.dtype)
        else:
            state, x = made(carry[index], x, reset)
        states.append(state)
    return tuple(states), x
