"""What an environment is called where people read, given what was chosen of it."""

from collections.abc import Mapping
from typing import Any

_CUSTOM, _ENTRY_POINT = "custom", "entry_point"


def title(name: str, params: Mapping[str, Any]) -> str:
    """Its name; `my_module:MyEnv` of one's own, for they all are named custom."""
    return str(params.get(_ENTRY_POINT, name)) if name == _CUSTOM else name


def listed(name: str, params: Mapping[str, Any]) -> str:
    """What it was told beside what `title` says: `size=5, num_trials=3`."""
    said = _ENTRY_POINT if name == _CUSTOM else None
    return ", ".join(f"{key}={value}" for key, value in params.items() if key != said)


def described(name: str, params: Mapping[str, Any]) -> str:
    """Both: `memory_chain (memory_length=64)`."""
    rest = listed(name, params)
    return title(name, params) + (f" ({rest})" if rest else "")
