"""What devices send each other in a compiled program, read from its text.

    python -m benchmarks.collectives env=memory_chain num_seeds=1 devices=4

Prints a row for each kind of message of an update. Needs several devices, or
XLA_FLAGS=--xla_force_host_platform_device_count=8.
"""

import math
import re
import sys
from collections.abc import Sequence

KINDS = (
    *("all-reduce", "all-gather", "all-to-all", "reduce-scatter", "collective-permute"),
    "collective-broadcast",
)
_BYTES = {"pred": 1, "s8": 1, "u8": 1, "bf16": 2, "f16": 2, "s64": 8, "u64": 8}
_OPERATION = re.compile(rf"= (.*?) ({'|'.join(KINDS)})(?:-start)?\(")
_ARRAY = re.compile(r"\b([a-z]+\d*)\[([\d,]*)\]")


def collectives(text: str) -> list[tuple[str, int]]:
    """`(kind, bytes of what it gives)` of each message in a program, in its order.

    One that stands in a loop is sent as often as the loop runs.

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


def main(arguments: Sequence[str]) -> None:
    """Compiles a run's update, and says what is sent."""
    from benchmarks.trainer import Trainer

    sent = collectives(Trainer(arguments).text)
    for kind in KINDS:
        sizes = [size for name, size in sent if name == kind]
        if sizes:
            print(f"{kind}: {len(sizes)} of {sum(sizes):,} bytes together")
    if not sent:
        print("nothing is sent")


if __name__ == "__main__":
    main(sys.argv[1:])
