"""Whether what is asked for can fit into memory at all, before it is tried.

An allocation that fails is an error, and told (`experiment.entry`). But where the bytes
of a shape overflow, XLA aborts the process; and what a host has not, Linux lends, and
then kills whoever uses it. Neither leaves a sentence.
To ask for more than there is is bad input, of whoever named the sizes.
"""

import math
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax

from experiment.errors import InputError

MOST = 2**62  # bytes of one array: sizes are added up in int64
_CONTAINER = "/sys/fs/cgroup/memory.max"


def there_is() -> int:
    """Bytes of the device that computes; of a host, what its container may have."""
    limit = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    if limit:
        return limit
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # none, or "max"
        most = min(most, int(Path(_CONTAINER).read_text()))
    return most


def size(tree: Any) -> int:
    """Bytes of arrays, or of shapes and types.

    Of what lies over several devices, what one of them holds; but those of a host share
    its memory.
    """
    shared = jax.devices()[0].platform == "cpu"
    return sum(_held(leaf, shared) for leaf in jax.tree.leaves(tree))


def _held(leaf: Any, shared: bool) -> int:
    over = getattr(leaf, "sharding", None)
    if over is None or over.is_fully_addressable:
        return _bytes(leaf, whole=shared)
    # Over several hosts: what is here.
    return _bytes(leaf, whole=False) * (len(over.addressable_devices) if shared else 1)


def check(needed: int, what: str) -> None:
    """Refuses what takes more memory than there is.

    Args:
      needed: bytes, at least.
      what: as in "the learners of this run take".

    Raises:
      InputError: naming both.
    """
    most = there_is()
    if needed > most:
        raise InputError(
            f"{what} at least {shown(needed)} of memory, and "
            f"{jax.devices()[0].device_kind} has {shown(most)}."
        )


def check_program(traced: Any) -> None:
    """Refuses a program with an array whose bytes cannot be counted.

    Args:
      traced: what `jax.jit(...).trace(...)` gives.

    Raises:
      InputError: naming its shape.
    """
    largest = max(_arrays(traced.jaxpr), key=_bytes, default=None)
    if largest is not None and _bytes(largest) > MOST:
        shape = list(largest.shape)
        check(_bytes(largest), f"an array {shape}, which this run computes, takes")


def check_compiled(compiled: Any, *, beside: int = 0, copies: int = 1) -> None:
    """Refuses a program that takes more memory than there is, where that is known.

    Args:
      compiled: what `jax.jit(...).lower(...).compile()` gives.
      beside: bytes that are taken while it runs.
      copies: devices that run it and share a memory.

    Raises:
      InputError: naming both.
    """
    needed = _of_program(compiled)
    if needed is not None:
        check(copies * needed + beside, "an update of this run takes")


def expected(compiled: Any, *, beside: int = 0, copies: int = 1) -> int | None:
    """Bytes that are taken at most while a program runs; None where it is not known.

    What it is given, makes and needs in between is XLA's own plan. A host has this
    process beside it: what that holds now, or held while it compiled.

    Args:
      compiled: as `check_compiled` takes it; not run yet.
      beside: bytes that are taken while it runs, and are not yet.
      copies: as `check_compiled` takes it.
    """
    needed = _of_program(compiled)
    if needed is None:
        return None
    needed *= copies
    if jax.devices()[0].platform != "cpu":
        return needed + beside
    now, most = process()
    return max(now + needed + beside, most)


def process() -> tuple[int, int]:
    """Bytes of main memory that this process holds, and that it held at most."""
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    with suppress(OSError, ValueError):  # Linux alone says what is held now
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), most
    return most, most


def _of_program(compiled: Any) -> int | None:
    found = getattr(compiled, "memory_analysis", lambda: None)()
    if found is None:
        return None
    needed = found.argument_size_in_bytes + found.output_size_in_bytes
    return needed + found.temp_size_in_bytes - found.alias_size_in_bytes


def _arrays(jaxpr: Any) -> Iterator[Any]:
    """Every array that a program makes, however deep inside."""
    is_program = lambda x: hasattr(x, "eqns")  # noqa: E731
    for equation in jaxpr.eqns:
        yield from (variable.aval for variable in equation.outvars)
        for value in equation.params.values():
            for inner in jax.tree.leaves(value, is_leaf=is_program):
                if is_program(inner):
                    yield from _arrays(inner)


def _bytes(array: Any, *, whole: bool = True) -> int:
    shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
    over = getattr(array, "sharding", None)
    if over is not None and shape is not None and not whole:
        shape = over.shard_shape(shape)
    return 0 if shape is None or dtype is None else math.prod(shape) * dtype.itemsize


def shown(count: int) -> str:
    """Bytes in words, as "0.31 GB"."""
    return f"{count / 1e9:,.{2 if count < 1e10 else 1}f} GB"
