"""What devices send each other in a compiled program, read from its text.

    python -m benchmarks.collectives env=memory_chain num_seeds=1 devices=4

Prints a row for each kind of message of an update, and how often its loops send it.
Needs several devices, or XLA_FLAGS=--xla_force_host_platform_device_count=8.
"""

import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

KINDS = (
    *("all-reduce", "all-gather", "all-to-all", "reduce-scatter", "collective-permute"),
    "collective-broadcast",
)
_BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s64": 8, "u64": 8}
_OPERATION = re.compile(rf"= (.*?) ({'|'.join(KINDS)})(?:-start)?\(")
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")
_BEGIN = re.compile(r"^(ENTRY )?%?([\w.-]+) \(.*\{$")
_CALLED = re.compile(r"(?:to_apply|calls|body|condition)=%?([\w.-]+)")
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")
_TURNS = re.compile(r'"known_trip_count":\{"n":"(\d+)"\}')


class Message(NamedTuple):
    """One that stands in a program."""

    kind: str
    size: int  # bytes of what it gives
    times: int  # how often loops send it; of a loop without a known end, once


def collectives(text: str) -> list[tuple[str, int]]:
    """`(kind, bytes of what it gives)` of each message in a program, in its order.

    One that stands in a loop is sent as often as the loop runs: see `sent`.

    Args:
      text: as `compiled.as_text()` has it.
    """
    found = []
    for shapes, kind in _OPERATION.findall(text):
        sizes = [
            math.prod(int(n) for n in dims.split(",") if n) * _BYTES.get(dtype, 4)
            for dtype, dims in _ARRAY.findall(shapes)
        ]
        found.append((kind, sum(sizes)))
    return found


def sent(text: str) -> list[Message]:
    """The messages of a program's run, with how often each is sent."""
    parts, entry = _computations(text)

    def walk(name: str, times: int) -> Iterator[Message]:
        for line in parts.get(name, ()):
            for kind, size in collectives(line):
                yield Message(kind, size, times)
            turns = _TURNS.search(line)
            inner = times * (int(turns[1]) if turns else 1)
            branches = _BRANCHES.search(line)
            called = _CALLED.findall(line) if " all-reduce" not in line else []
            called += re.findall(r"[\w.-]+", branches[1]) if branches else []
            for other in called:
                yield from walk(other, inner)

    return list(walk(entry, 1))


def _computations(text: str) -> tuple[Mapping[str, Sequence[str]], str]:
    """Lines by computation, and the name of that which is run."""
    parts: dict[str, list[str]] = {}
    entry, name = "", ""
    for line in text.splitlines():
        begin = _BEGIN.match(line)
        if begin:
            name = begin[2]
            parts[name] = []
            entry = name if begin[1] else entry
        elif name:
            parts[name].append(line)
    return parts, entry


def main(arguments: Sequence[str]) -> None:
    """Compiles a run's update, and says what is sent."""
    from benchmarks.trainer import Trainer

    found = sent(Trainer(arguments).text)
    for kind in KINDS:
        alike = [message for message in found if message.kind == kind]
        if alike:
            size = sum(message.size for message in alike)
            whole = sum(message.size * message.times for message in alike)
            print(
                f"{kind}: {len(alike)} of {size:,} bytes together; with their loops "
                f"{sum(message.times for message in alike)} of {whole:,} an update"
            )
    if not found:
        print("nothing is sent")


if __name__ == "__main__":
    main(sys.argv[1:])
