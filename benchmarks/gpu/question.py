"""One thing to find out about a card. Free of JAX: a new process reads it first."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Question:
    """One thing to find out, in a process of its own.

    `asks` is "module:function"; called with `arguments`, it compiles what it needs and
    returns a function that times it, and yields rows of answers as it has them.
    """

    name: str
    asks: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = 240.0  # seconds, of compiling, and of timing
