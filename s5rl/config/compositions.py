"""Memories made of other memories."""

import ast
import dataclasses
from dataclasses import dataclass
from typing import Any

from s5rl.config.base import TABLE, CoreConfig, core


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
    # what parts are told, as in [s5.state_size=32,window_attention.window=16]
    options: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        if not self.pattern:
            raise ValueError("pattern must name at least one core; it is empty.")
        for name in self.pattern:
            if name not in TABLE or TABLE[name].config is HybridConfig:
                known = ", ".join(n for n in TABLE if n != "hybrid")
                raise ValueError(
                    f"pattern must be of cores; got {name!r}. It knows: {known}."
                )
        self.parts()

    def parts(self) -> list[tuple[str, Any]]:
        """(name, configuration) of each layer of the pattern.

        Raises:
          ValueError: for an option that no part has, or a value that it refuses.
        """
        told: dict[str, dict[str, Any]] = {name: {} for name in self.pattern}
        for text in self.options:
            key, equals, value = text.partition("=")
            name, dot, field = key.partition(".")
            if not (equals and dot) or name not in told:
                raise ValueError(
                    "options must be like s5.state_size=32, of a core of the pattern "
                    f"({', '.join(told)}); got {text!r}."
                )
            told[name][field] = _read(name, field, value)
        return [(name, self._part(name, told[name])) for name in self.pattern]

    def _part(self, name: str, told: dict[str, Any]) -> Any:
        config = TABLE[name].config
        shared = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(config)
            if field.name in ("dtype", "learned_initial_state")
        }
        return config(**{**shared, **told})


def _read(name: str, field: str, text: str) -> Any:
    """A value for a field, of the type of its default."""
    fields = {f.name: f for f in dataclasses.fields(TABLE[name].config)}
    if field not in fields or field == "num_layers":
        known = ", ".join(f for f in fields if f != "num_layers")
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
