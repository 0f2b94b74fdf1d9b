"""From named values to a configuration dataclass: types and ranges, key by key.

Whoever makes a configuration from what a person wrote does it here, so that a value of
another type is refused in the same words everywhere. A field's metadata may hold
`most`, the largest integer (default: int32's), and `choices`, what text may be.
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from envs import values


def choice(default: str, *others: str) -> Any:
    """A field of a frozen dataclass that is one of some names; see `check_choices`."""
    return dataclasses.field(default=default, metadata={"choices": (default, *others)})


def optional(*names: str) -> Any:
    """A field that is one of some names, or None, which it is by default."""
    return dataclasses.field(default=None, metadata={"choices": names})


def converted(cls: type, given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Values as the fields of `cls` want them; keys that are no fields are left out.

    An integer may stand for a float, `2e6` for an integer, a list for a tuple.

    Args:
      cls: a dataclass.
      given: values by field name.
      prefix: what stands before the field's name in messages.

    Raises:
      ValueError: naming the key, what it must be and what came.
    """
    hints = get_type_hints(cls)
    found = {}
    for field in dataclasses.fields(cls):
        if field.name in given:
            most = field.metadata.get("most", values.INT32)
            name = f"{prefix}{field.name}"
            found[field.name] = _as(given[field.name], hints[field.name], name, most)
    return found


def _as(value: Any, wanted: Any, name: str, most: int) -> Any:
    kinds = get_args(wanted) if isinstance(wanted, UnionType) else (wanted,)
    if value is None and NoneType in kinds:
        return None
    for kind in kinds:
        fits, found = _try(value, kind, name, most)
        if fits:
            return found
    raise ValueError(f"{name} must be {describe(wanted)}; got {shown(value)}.")


def _try(value: Any, kind: Any, name: str, most: int) -> tuple[bool, Any]:
    """Whether `value` is of this kind, and what it is then."""
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if not isinstance(value, list | tuple):
            return False, None
        tried = [_try(part, item, name, most) for part in value]
        return all(fits for fits, _ in tried), tuple(part for _, part in tried)
    if kind in (int, float) and isinstance(value, int | float):
        if isinstance(value, bool):
            return False, None
        if kind is int:
            if not float_is_whole(value):
                return False, None
            value = int(value)
        if kind is float and isinstance(value, int):
            value = float(value) if value.bit_length() < 1000 else math.inf
        values.check_number(name, value, most)
        return True, value
    return kind in (bool, str) and isinstance(value, kind), value


def float_is_whole(value: int | float) -> bool:
    """Whether it is an integer: 2e6 is how one writes steps; inf is none."""
    return isinstance(value, int) or value.is_integer()


def describe(wanted: Any) -> str:
    """A field's type in words."""
    if isinstance(wanted, UnionType):
        kinds = [describe(kind) for kind in get_args(wanted) if kind is not NoneType]
        return " or ".join([*kinds, "null"])
    if get_origin(wanted) is tuple:
        return f"a list of {describe(get_args(wanted)[0])}"
    return "true or false (bool)" if wanted is bool else wanted.__name__


def shown(value: Any, most: int = 200) -> str:
    """A value for a message: as Python writes it, and no longer than is read."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a very long number"
    text = repr(value)
    return text if len(text) <= most else f"{text[:most]}..."


def check_choices(config: Any) -> None:
    """Refuses a field that is none of its choices.

    Raises:
      ValueError: naming them.
    """
    for field in dataclasses.fields(config):
        known: Iterable[str] | None = field.metadata.get("choices")
        value = getattr(config, field.name)
        if known is None or value in known or value is field.default:
            continue
        raise ValueError(
            f"{field.name} must be one of {', '.join(known)}; got {value!r}."
        )
