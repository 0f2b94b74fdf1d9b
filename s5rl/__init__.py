"""S5RL's core: recurrences and memory cores that can be reset inside a sequence.

    carry, h = s5rl.linear_recurrence(a, b, reset, carry)
    core = s5rl.make_core("s5", features=128)
    carry, y = core.apply(variables, core.initial_carry(batch_size), x, reset)

Names load on first use, so that a program which only reads `s5rl.config` (a
command line checking its flags, say) does not wait for JAX.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from s5rl.config.cells import GRUConfig, LSTMConfig, MLPConfig
    from s5rl.config.spaces import S5Config
    from s5rl.cores import Core, core_names, make_core
    from s5rl.cores.gru import GRU
    from s5rl.cores.lstm import LSTM
    from s5rl.cores.mlp import MLP
    from s5rl.cores.modes import layer_states, modes
    from s5rl.cores.parts.chunked import in_chunks
    from s5rl.cores.s5 import S5, S5Layer
    from s5rl.recurrence import linear_recurrence, resettable

__version__: str

__all__ = [
    "GRU",
    "LSTM",
    "MLP",
    "S5",
    "Core",
    "GRUConfig",
    "LSTMConfig",
    "MLPConfig",
    "S5Config",
    "S5Layer",
    "core_names",
    "in_chunks",
    "layer_states",
    "linear_recurrence",
    "make_core",
    "modes",
    "resettable",
]

_HOME = {
    "recurrence": ("linear_recurrence", "resettable"),
    "cores": ("Core", "core_names", "make_core"),
    "cores.s5": ("S5", "S5Layer"),
    "cores.gru": ("GRU",),
    "cores.lstm": ("LSTM",),
    "cores.mlp": ("MLP",),
    "cores.modes": ("layer_states", "modes"),
    "cores.parts.chunked": ("in_chunks",),
    "config.spaces": ("S5Config",),
    "config.cells": ("GRUConfig", "LSTMConfig", "MLPConfig"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":  # what was installed; its number comes from git's tags
        from importlib import metadata

        return metadata.version("s5rl")
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"s5rl.{module}"), name)
    raise AttributeError(f"module 's5rl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
