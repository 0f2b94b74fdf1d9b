"""How many kernels one step of a loop launches, read from a compiled program's text.

On a GPU a rollout is a chain of small kernels, and each costs a few microseconds to
launch, whatever it computes. XLA's text names every one: a fusion, a call of a library,
a copy. Command buffers (CUDA graphs) launch many at once; where XLA has formed them in
its text, each is a call of a computation named so. Those that it forms later, when the
program is loaded, are not seen here: time tells.
"""

import re
from typing import NamedTuple

# What XLA's text names and no device computes.
_FREE = {
    *("parameter", "constant", "tuple", "get-tuple-element", "bitcast", "after-all"),
    *("partition-id", "replica-id", "opt-barrier", "domain", "add-dependency"),
    *("copy-done", "async-done", "async-update", "get-dimension-size"),
}
_OPENING = re.compile(r"^(?:ENTRY\s+)?%?([\w.\-]+)\s*\(.*\)\s*->\s*.*\{\s*$")
_INSTRUCTION = re.compile(r"^\s+(?:ROOT\s+)?%?([\w.\-]+)\s*=\s*(.*)$")
_OPCODE = re.compile(r"(?:^|[\s)}\]])([a-z][a-z0-9\-]*)\(")
_TRIPS = re.compile(r'"?known_trip_count"?\s*[:=]\s*\{\s*"?n"?\s*[:=]\s*"?(\d+)"?')
_CALLED = re.compile(r"(body|condition|to_apply|calls|true_computation|"
                     r"false_computation)=%?([\w.\-]+)")  # fmt: skip
_BRANCHES = re.compile(r"branch_computations=\{([^}]*)\}")


class Launches(NamedTuple):
    """What one pass through a computation asks of a device."""

    kernels: int = 0  # fusions and single operations
    custom_calls: int = 0  # of libraries and of kernels of our own
    copies: int = 0
    command_buffers: int = 0  # graphs; what is in them counts above as well
    dispatches: int = 0  # how often the host launches something

    def __add__(self, other: "Launches") -> "Launches":  # type: ignore[override]
        return Launches(*(a + b for a, b in zip(self, other, strict=True)))

    def times(self, count: int) -> "Launches":
        return Launches(*(count * each for each in self))


class Instruction(NamedTuple):
    """A line of a computation."""

    opcode: str
    text: str  # behind the "="

    @property
    def trips(self) -> int | None:
        """Of a loop whose length XLA knows."""
        found = _TRIPS.search(self.text)
        return int(found[1]) if found else None

    @property
    def called(self) -> dict[str, str]:
        """Names of computations, by what they are to the instruction."""
        return dict(_CALLED.findall(self.text))

    @property
    def branches(self) -> list[str]:
        """Names of a conditional's computations."""
        listed = _BRANCHES.search(self.text)
        if listed:
            return [name.strip().lstrip("%") for name in listed[1].split(",")]
        called = self.called
        ends = ("true_computation", "false_computation")
        return [called[name] for name in ends if name in called]


def computations(text: str) -> dict[str, list[Instruction]]:
    """The computations of a module's text, by name."""
    found: dict[str, list[Instruction]] = {}
    current: list[Instruction] | None = None
    for line in text.splitlines():
        opening = _OPENING.match(line)
        if opening:
            current = found.setdefault(opening[1], [])
        elif line.startswith("}"):
            current = None
        elif current is not None and (match := _INSTRUCTION.match(line)):
            opcode = _OPCODE.search(match[2])
            if opcode:
                current.append(Instruction(opcode[1], match[2]))
    return found


def in_loop(text: str, length: int) -> Launches:
    """What one pass of a loop launches.

    Args:
      text: of `compiled.as_text()`.
      length: how often the loop runs; of several such, the one that launches most.

    Raises:
      ValueError: if the program has no loop known to be so long.
    """
    found = computations(text)
    bodies = {
        each.called["body"]
        for instructions in found.values()
        for each in instructions
        if each.opcode == "while" and each.trips == length
    }
    if not bodies:
        raise ValueError(
            f"the program has no loop that is known to run {length} times."
        )
    each = [_of(found, body) for body in bodies]
    return max(each, key=lambda count: count.kernels + count.custom_calls)


def lengths(text: str) -> list[int]:
    """How often each loop runs whose length XLA knows."""
    found = [each for lines in computations(text).values() for each in lines]
    return sorted({each.trips for each in found if each.trips is not None})


def _of(found: dict[str, list[Instruction]], name: str) -> Launches:
    total = Launches()
    for instruction in found.get(name, ()):
        total += _of_instruction(found, instruction)
    return total


def _of_instruction(found: dict[str, list[Instruction]], one: Instruction) -> Launches:
    opcode = one.opcode
    if opcode in _FREE:
        return Launches()
    if opcode == "while":  # of unknown length: a pass; its condition costs a copy
        inner = _of(found, one.called["body"]) + _of(found, one.called["condition"])
        return inner.times(one.trips or 1)
    if opcode == "conditional":  # the cheapest, as where nothing unusual happens
        branches = [_of(found, name) for name in one.branches]
        return min(branches, key=lambda count: count.dispatches, default=Launches())
    if opcode in ("call", "async-start"):
        name = one.called.get("to_apply") or one.called.get("calls", "")
        inner = _of(found, name)
        if "command_buffer" not in name:
            return inner
        return inner._replace(command_buffers=1, dispatches=1)
    if opcode == "custom-call":
        return Launches(custom_calls=1, dispatches=1)
    if opcode in ("copy", "copy-start"):
        return Launches(copies=1, dispatches=1)
    return Launches(kernels=1, dispatches=1)
