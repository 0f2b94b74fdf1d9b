"""What every core's configuration has, and the table that each puts itself into."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Config = TypeVar("Config", bound=type)


@dataclass(frozen=True)
class Row:
    """What the table knows of a core beside its configuration."""

    config: type  # a frozen dataclass that checks itself
    layer: str  # "module:class" of one layer; imported when a core is made
    kind: str  # what its memory is, in a word or two
    cost: str  # of a step and of T steps, beside its dense layers

    @property
    def summary(self) -> str:
        """The first sentence of the configuration's docstring: what, and whose."""
        return (self.config.__doc__ or "").split("\n")[0].rstrip(".")


TABLE: dict[str, Row] = {}


def core(name: str, layer: str, *, kind: str, cost: str) -> Callable[[Config], Config]:
    """Puts the decorated configuration into the table of cores, under `name`.

    Args:
      name: as `core=` and `s5rl.make_core` have it.
      layer: "module:class" of its layer (`s5rl.cores.stack.Layer`).
      kind: what its memory is: "diagonal", "gated", "matrix", "window", "cell" ...
      cost: of a step and of T steps, beside dense layers: "O(P); O(log T) deep".
    """

    def add(config: Config) -> Config:
        TABLE[name] = Row(config, layer, kind, cost)
        return config

    return add


# Of layers, states, heads or steps seen. Beyond it, tracing takes all memory, or for
# ever, before anything could tell that the machine has too little.
LARGEST = 2**16
# Of states whose matrix [N, N] is diagonalised, in NumPy, before anything is drawn.
LARGEST_MATRIX = 2**12

# Of `s5rl.linear_recurrence`, the default first.
METHODS = ("auto", "associative", "sequential", "kernel")


def choice(default: str, *others: str) -> Any:
    """A field that is one of some names; help lists them."""
    return dataclasses.field(default=default, metadata={"choices": (default, *others)})


def initial(default: float) -> Any:
    """A field that is read where parameters are drawn, and enters that as a number.

    No shape hangs on it and no `if`, so it may be traced: initialisations that differ
    in it are one program.
    """
    return dataclasses.field(default=default, metadata={"swept": True})


def check(config: Any, *positive: str, **least: int) -> None:
    """Refuses what is too small or far too large, or none of its field's choices.

    Args:
      config: its fields are looked at.
      positive: names of fields that must be above zero.
      least: what fields must be at least, by name.

    Raises:
      ValueError: naming the field, what was wanted and what came.
    """
    for name in positive:
        value = getattr(config, name)
        if not value > 0:
            raise ValueError(f"{name} must be positive; got {value}.")
    for name, bound in least.items():
        if getattr(config, name) < bound:
            got = getattr(config, name)
            raise ValueError(f"{name} must be at least {bound}; got {got}.")
    for name in (*positive, *least):
        value = getattr(config, name)
        if isinstance(value, int) and value > LARGEST:
            raise ValueError(f"{name} must be at most {LARGEST:,}; got {value:,}.")
    for field in dataclasses.fields(config):
        known, value = field.metadata.get("choices"), getattr(config, field.name)
        if known is not None and value not in known:
            raise ValueError(
                f"{field.name} must be one of {', '.join(known)}; got {value!r}."
            )


def check_matrix(name: str, size: int) -> None:
    """Refuses states whose matrix would take all memory.

    Raises:
      ValueError: naming the bound.
    """
    if size > LARGEST_MATRIX:
        raise ValueError(
            f"{name} must be at most {LARGEST_MATRIX:,}, for a matrix of so many rows "
            f"and columns is diagonalised; got {size:,}."
        )


@dataclass(frozen=True)
class StackConfig:
    """What can be chosen about every stack of layers."""

    num_layers: int = 2  # one after another
    # one program for all layers, whose parameters are stacked: depth costs no
    # compiling; null: from five layers on
    scan_layers: bool | None = dataclasses.field(
        default=None, metadata={"unsaid": False}
    )
    # steps that are learned from at a time, each chunk computed again for its
    # gradients: less memory, at most a third more time; null: all at once
    chunk_length: int | None = None
    remat: bool = False  # each layer is computed again for its gradients, likewise
    # of the layers; states accumulate in float32 regardless
    dtype: str = choice("float32", "bfloat16")

    def __post_init__(self):
        check(self, "num_layers")
        if self.chunk_length is not None:
            check(self, "chunk_length")


@dataclass(frozen=True)
class CoreConfig(StackConfig):
    """What can be chosen about every memory."""

    # a state that is learned, in place of zeros, opens every segment
    learned_initial_state: bool = False
