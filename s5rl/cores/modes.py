"""What the states of a trained core stand for, layer by layer."""

from typing import Any

import jax

from s5rl.cores.parts.modes import Modes
from s5rl.cores.stack import Stack


def modes(core: Stack, variables: Any) -> list[Modes | None]:
    """The modes of each layer, in the order in which layers are read.

    None of a layer that has no such: whose decay depends on what it reads, whose states
    are read by more than a matrix, or that is no linear recurrence.

    Args:
      core: that `s5rl.make_core` made.
      variables: of it; those of a network hold them at `params/core`.
    """
    parameters = variables["params"]
    found = []
    for index, (layer, config) in enumerate(core.parts()):
        its = getattr(layer, "modes", None)
        found.append(its and its(config, _of_layer(parameters, index, core)))
    return found


def layer_states(core: Stack, carry: Any) -> tuple[Any, ...]:
    """What each layer remembers, of a core's carry; of modes [B, P] complex64."""
    layers = carry[0] if core.learns_its_start else carry
    return tuple(
        state.reshape(len(state), -1) if hasattr(layer, "modes") else state
        for state, (layer, _) in zip(layers, core.parts(), strict=True)
    )


def _of_layer(parameters: Any, index: int, core: Stack) -> Any:
    """Parameters of one layer, whether it stands alone or is a turn of a loop."""
    apart = sum(name.startswith("layer_") for name in parameters)
    if index < apart:
        return parameters[f"layer_{index}"]
    size = len(core.parts()) // core.config.num_layers
    turn, place = divmod(index - apart, size)
    stacked = parameters["rounds"][f"layer_{place}"]
    return jax.tree.map(lambda leaf: leaf[turn], stacked)
