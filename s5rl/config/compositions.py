"""Memories made of other memories."""

import ast
import dataclasses
from dataclasses import dataclass
from typing import Any

from s5rl.config.base import TABLE, CoreConfig, check, core

# Options of the whole, and of no part.
WHOLE = ("num_layers", "scan_layers", "chunk_length", "remat")


@core(
    "hybrid",
    "s5rl.cores.stack:Stack",
    kind="of its parts",
    cost="of its parts",
)
@dataclass(frozen=True)
class HybridConfig(CoreConfig):
    """Layers of several memories by turns, as in Griffin, Samba and Jamba (2024).

    A part that is not told otherwise is as it would be alone. `dtype` and
    `learned_initial_state` are of all parts that have them.
    """

    num_layers: int = 1  # how often the pattern is repeated
    pattern: tuple[str, ...] = ("s5", "window_attention")  # cores, by name
    # what parts are told, as in [s5.state_size=32]
    options: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        if not self.pattern:
            raise ValueError("pattern must name at least one core; it is empty.")
        for name in self.pattern:
            refuse_composed("pattern", name)
        self.parts()

    def parts(self) -> list[tuple[str, Any]]:
        """(name, configuration) of each layer of the pattern.

        Raises:
          ValueError: for an option that no part has, or a value that it refuses.
        """
        names = {name: name for name in self.pattern}
        found = configured(self, names)
        return [(name, found[name]) for name in self.pattern]


@core(
    "hiss",
    "s5rl.cores.hiss:HiSSLayer",
    kind="of its halves",
    cost="of its halves; T / k deep",
)
@dataclass(frozen=True)
class HiSSConfig(CoreConfig):
    """Two memories, one over chunks of the other's steps (HiSS; Bhirangi et al., 2024).

    `dtype` and `learned_initial_state` are of both halves.
    """

    num_layers: int = 1  # one after another
    low: str = "s5"  # the memory that reads every step, and restarts with every chunk
    high: str = "s5"  # the memory that reads the last step of every chunk
    chunk: int = 10  # k, steps of a chunk, counted from a segment's first step
    # what the halves are told, as in [low.state_size=32,high.state_size=64]
    options: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        check(self, "chunk")
        for half in ("low", "high"):
            refuse_composed(half, getattr(self, half))
        self.parts()

    def parts(self) -> dict[str, tuple[str, Any]]:
        """(core, configuration) of each half, "low" and "high".

        Raises:
          ValueError: for an option that a half has not, or a value that it refuses.
        """
        names = {"low": self.low, "high": self.high}
        found = configured(self, names)
        return {half: (name, found[half]) for half, name in names.items()}


def refuse_composed(field: str, name: str) -> None:
    """Refuses what is no core, or is itself made of others.

    Raises:
      ValueError: naming the field, what came and what is known.
    """
    composed = [n for n, row in TABLE.items() if row.config.__module__ == __name__]
    if name not in TABLE or name in composed:
        known = ", ".join(n for n in TABLE if n not in composed)
        raise ValueError(f"{field} must be of cores; got {name!r}. It knows: {known}.")


def configured(config: Any, names: dict[str, str]) -> dict[str, Any]:
    """The configuration of each part, told by `config.options` and of its `dtype` and
    `learned_initial_state`.

    Args:
      config: has these three.
      names: the core of each part, by what options call the part.

    Raises:
      ValueError: for an option that no part has, or a value that it refuses.
    """
    told: dict[str, dict[str, Any]] = {part: {} for part in names}
    for text in config.options:
        key, equals, value = text.partition("=")
        part, dot, field = key.partition(".")
        if not (equals and dot) or part not in told:
            first = next(iter(names))
            raise ValueError(
                f"options must be like {first}.state_size=32, of a part "
                f"({', '.join(told)}); got {text!r}."
            )
        told[part][field] = _read(names[part], field, value)
    return {part: _part(config, names[part], told[part]) for part in names}


def _part(config: Any, name: str, told: dict[str, Any]) -> Any:
    made = TABLE[name].config
    shared = {
        field.name: getattr(config, field.name)
        for field in dataclasses.fields(made)
        if field.name in ("dtype", "learned_initial_state")
    }
    return made(**{**shared, **told})


def _read(name: str, field: str, text: str) -> Any:
    """A value for a field, of the type of its default."""
    fields = {f.name: f for f in dataclasses.fields(TABLE[name].config)}
    for whole in WHOLE:  # a part is one layer
        fields.pop(whole, None)
    if field not in fields:
        known = ", ".join(fields)
        raise ValueError(f"core {name!r} has no option {field!r}. It knows: {known}.")
    wanted = type(fields[field].default)
    try:
        value = ast.literal_eval(text.title() if wanted is bool else text)
    except (ValueError, SyntaxError):
        value = text
    if wanted is float and type(value) is int:
        value = float(value)
    if type(value) is not wanted:
        raise ValueError(f"{name}.{field} must be {wanted.__name__}; got {text!r}.")
    return value
