"""Whether what is asked for can fit into memory at all, before it is tried.

An allocation that fails is an error, and told (`experiment.entry`). But where the bytes
of a shape overflow, XLA aborts the process; and what a host has not, Linux lends, and
then kills whoever uses it. Neither leaves a sentence.
"""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

from experiment.errors import MachineError

MOST = 2**62  # bytes of one array: sizes are added up in int64
_CONTAINER = "/sys/fs/cgroup/memory.max"


def there_is() -> int:
    """Bytes of the device that computes; of a host, what its container may have."""
    limit = (jax.devices()[0].memory_stats() or {}).get("bytes_limit")
    if limit:
        return limit
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # none, or "max"
        most = min(most, int(Path(_CONTAINER).read_text()))
    return most


def size(tree: Any) -> int:
    """Bytes of arrays, or of shapes and types."""
    return sum(_bytes(leaf) for leaf in jax.tree.leaves(tree))


def check(needed: int, what: str) -> None:
    """Refuses what takes more memory than there is.

    Args:
      needed: bytes, at least.
      what: as in "the learners of this run take".

    Raises:
      MachineError: naming both.
    """
    most = there_is()
    if needed > most:
        raise MachineError(
            f"{what} at least {_shown(needed)} of memory, and "
            f"{jax.devices()[0].device_kind} has {_shown(most)}."
        )


def check_program(traced: Any) -> None:
    """Refuses a program with an array whose bytes cannot be counted.

    Args:
      traced: what `jax.jit(...).trace(...)` gives.

    Raises:
      MachineError: naming its shape.
    """
    largest = max(_arrays(traced.jaxpr), key=_bytes, default=None)
    if largest is not None and _bytes(largest) > MOST:
        shape = list(largest.shape)
        check(_bytes(largest), f"an array {shape}, which this run computes, takes")


def check_compiled(compiled: Any, *, beside: int = 0) -> None:
    """Refuses a program that takes more memory than there is, where that is known.

    Args:
      compiled: what `jax.jit(...).lower(...).compile()` gives.
      beside: bytes that are taken while it runs.

    Raises:
      MachineError: naming both.
    """
    found = compiled.memory_analysis()
    if found is None:
        return
    needed = found.argument_size_in_bytes + found.output_size_in_bytes
    needed += found.temp_size_in_bytes - found.alias_size_in_bytes + beside
    check(needed, "an update of this run takes")


def _arrays(jaxpr: Any) -> Iterator[Any]:
    """Every array that a program makes, however deep inside."""
    is_program = lambda x: hasattr(x, "eqns")  # noqa: E731
    for equation in jaxpr.eqns:
        yield from (variable.aval for variable in equation.outvars)
        for value in equation.params.values():
            for inner in jax.tree.leaves(value, is_leaf=is_program):
                if is_program(inner):
                    yield from _arrays(inner)


def _bytes(array: Any) -> int:
    shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
    return 0 if shape is None or dtype is None else math.prod(shape) * dtype.itemsize


def _shown(count: int) -> str:
    return f"{count / 1e9:,.1f} GB"
