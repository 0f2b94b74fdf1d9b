"""Values as they stand on a command line, and whether a device can hold them.

One grammar for every entry point: numbers (`2_000_000`, `2e6`, `inf`), `true`, `false`,
`null`, lists `[8, 16]`, mappings `{size: 3}`; anything else, and what stands in quotes,
is text. Nothing is looked up and nothing is executed. Where a key is known to be text
(a path, a name), its value is not read at all, but taken letter for letter.
"""

import math
import re
from typing import Any

INT32 = 2**31 - 1
# Of bits, arms, cards or squares: what is built of more takes all memory, or for ever,
# before anything could count it.
SIZE = 2**16
_FLOAT32 = (1.1754944e-38, 3.4028235e38)  # the least normal number, and the largest
_WORDS = {"true": True, "false": False, "null": None}
_INTEGER = re.compile(r"[+-]?\d[\d_]*", re.ASCII)
_NUMBER = re.compile(
    r"[+-]?((\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(e[+-]?\d+)?|\.?inf|\.?nan|infinity)",
    re.ASCII | re.IGNORECASE,
)
_END = {"[": "]", "{": "}"}
# How JAX and NumPy begin to say that memory has no room for an array.
_NO_ROOM = ("RESOURCE_EXHAUSTED: ", "array is too big", "Maximum allowed ")
_DIGITS = 300  # of an integer: more fit into no number that a device has
_DEPTH = 20  # of lists in lists


def check_text(text: str) -> None:
    """Refuses text that no key can mean.

    Raises:
      ValueError: for an interpolation (what it would be replaced with is not the
        user's to see), a control character, or bytes that are not UTF-8.
    """
    if "${" in text:
        raise ValueError("it holds an interpolation (${...}), which is not looked up")
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError("it holds a control character")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("it is not UTF-8")


def read(text: str) -> Any:
    """The value that `text` stands for.

    Raises:
      ValueError: saying why it stands for none.
    """
    check_text(text)
    reader = _Reader(text.strip())
    value = reader.value(stop="", depth=0)
    if reader.rest:
        raise ValueError(f"{reader.rest!r} is left over")
    return value


class _Reader:
    """What is left of a text, from the front."""

    def __init__(self, text: str):
        self.rest = text

    def value(self, stop: str, depth: int) -> Any:
        """The next value, which ends before any of the characters in `stop`."""
        if depth > _DEPTH:
            raise ValueError(f"lists are nested more than {_DEPTH} deep")
        first = self.rest[:1]
        if first in ("[", "{"):
            return self._many(first, depth)
        if first in ("'", '"') and (not stop or self.rest.count(first) > 1):
            if self.rest.find(first, 1) == len(self.rest) - 1 or stop:
                quoted, _, self.rest = self.rest[1:].partition(first)
                return quoted
        length = next((i for i, c in enumerate(self.rest) if c in stop), None)
        word, self.rest = self.rest[:length], self.rest[len(self.rest[:length]) :]
        return _scalar(word.strip())

    def _many(self, begin: str, depth: int) -> Any:
        end, pairs, items = _END[begin], begin == "{", []
        self._skip(begin)
        while not self.rest.startswith(end):
            key = None
            if pairs:
                key, colon, self.rest = self.rest.partition(":")
                if not colon or not key.strip():
                    raise ValueError("a mapping must be {key: value, ...}")
                self.rest = self.rest.lstrip()
            value = self.value(stop=f",{end}", depth=depth + 1)
            items.append((key.strip(), value) if key is not None else value)
            self.rest = self.rest.lstrip()
            if self.rest.startswith(","):
                self._skip(",")
            elif not self.rest.startswith(end):
                raise ValueError(f"a {begin} has no {end}")
        self._skip(end)
        return dict(items) if pairs else items

    def _skip(self, expected: str) -> None:
        self.rest = self.rest[len(expected) :].lstrip()


def _scalar(word: str) -> Any:
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if _INTEGER.fullmatch(word):
        if len(word) > _DIGITS:
            raise ValueError("it has too many digits")
        return int(word.replace("_", ""))
    if _NUMBER.fullmatch(word):
        return float(word.lower().replace("_", "").replace(".inf", "inf").replace(
            ".nan", "nan"
        ))  # fmt: skip
    return word


def check_number(name: str, value: int | float, most: int = INT32) -> None:
    """Refuses what the device would hold as another number: it computes in 32 bits.

    Args:
      name: of the key, for messages.
      value: an integer or a float.
      most: the largest integer, where the device does not hold it.

    Raises:
      ValueError: naming the bound.
    """
    if isinstance(value, int):
        if not -most - 1 <= value <= most:
            bound = "int32" if most == INT32 else "an integer"
            raise ValueError(
                f"{name} must fit in {bound}, at most {most:,}; got {_short(value)}."
            )
        return
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite; got {value}.")
    least, largest = _FLOAT32
    if value and not least <= abs(value) <= largest:
        raise ValueError(
            f"{name} must fit in float32, from {least:.3g} to {largest:.3g}; "
            f"got {value}."
        )


def check_size(name: str, value: int) -> None:
    """Refuses a size of which what is built eagerly could take all memory.

    Raises:
      ValueError: naming the bound.
    """
    if value > SIZE:
        raise ValueError(f"{name} must be at most {SIZE:,}; got {value:,}.")


def lacks_memory(error: BaseException) -> bool:
    """Whether an error says that an array found no room, in NumPy or in JAX."""
    text = str(error)
    if (
        type(error).__name__ == "JaxRuntimeError"
    ):  # by name: importing JAX takes a second
        return text.startswith(_NO_ROOM[0]) or "Out of memory" in text
    refused = isinstance(error, ValueError) and text.startswith(_NO_ROOM)
    return refused or isinstance(error, MemoryError)


def _short(value: int) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"a number of {len(text)} digits"
