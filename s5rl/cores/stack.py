"""Layers one on another, behind the one interface of memory."""

from importlib import import_module
from typing import Any, ClassVar, Protocol

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from s5rl.config import CORES
from s5rl.config.compositions import HybridConfig
from s5rl.cores.describe import Description, describe
from s5rl.cores.parts.block import norm
from s5rl.cores.parts.checked import check_arguments


class Layer(Protocol):
    """One memory: a `flax.linen.Module` that maps [T, B, H] to [T, B, H].

    Its fields are `features`, H, and `config`. A segment opens with zeros, or with a
    state that is learned (`s5rl.cores.parts.block.initial_state`); what a reset drops
    is selected away. Arguments were checked before.
    """

    reads_any_width: ClassVar[bool]  # of x; False where there is a residual

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

    Inputs of another width than `features` pass a dense layer first, where layers add
    to what they read. In a hybrid all do: what adds nothing by itself, as cells, reads
    x normalised and is added to it.

    Where segments open with a learned state, the carry is a pair of what the layers
    remember and opened [B] bool, whether anything was read: a sequence opens like any
    segment, with a reset or without.
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
        return self.parts()[0][0].reads_any_width and not self.is_hybrid

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
        opened = None
        if self.learns_its_start:
            carry, opened = carry
            reset = reset.at[0].set(reset[0] | ~opened)
        parts, dtype = self.parts(), self.config.dtype
        x = x.astype(dtype)
        if x.shape[-1] != self.features and not self.reads_any_width:
            x = nn.Dense(self.features, dtype=dtype, name="encoder")(x)
        states = []
        for index, (layer, config) in enumerate(parts):
            made = layer(self.features, config, name=f"layer_{index}")
            added = self.is_hybrid and layer.reads_any_width
            read = norm(x, f"norm_{index}") if added else x
            state, y = made(carry[index], read, reset)
            states.append(state)
            x = x + y.astype(x.dtype) if added else y
        after = tuple(states)
        y = x.astype(jnp.float32)
        return (after, opened | True) if opened is not None else after, y
