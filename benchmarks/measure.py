"""How the benchmarks here measure, and the scan that they measure against."""

import argparse
import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

Timing = dict[str, float]


def textbook_recurrence(
    a: Array, b: Array, reset: Array, carry: Array
) -> tuple[Array, Array]:
    """The resettable scan as it is usually written: `linear_recurrence`'s yardstick.

    Every step holds its own copy of the multipliers, the carry is one more element in
    front, flags are floats that multiply, and JAX differentiates the scan (Lu et al.,
    2023, appendix A, and the code released with it).
    """
    ones = jnp.ones((1, *b.shape[1:]), b.dtype)
    multipliers = jnp.concatenate([ones, jnp.broadcast_to(a, b.shape)])
    inputs = jnp.concatenate([carry[None], b])
    flags = jnp.pad(reset.astype(jnp.float32), ((1, 0), (0, 0)))[..., None]

    def combine(left, right):
        (a_i, b_i, c_i), (a_j, b_j, c_j) = left, right
        return (
            (a_j * a_i) * (1 - c_j) + a_j * c_j,
            (a_j * b_i + b_j) * (1 - c_j) + b_j * c_j,
            c_i * (1 - c_j) + c_j,
        )

    _, h, _ = jax.lax.associative_scan(combine, (multipliers, inputs, flags))
    return h[-1], h[1:]


def compare(
    functions: dict[str, Callable[..., Any]],
    arguments: tuple,
    *,
    repeat: int,
    warm: bool = False,
) -> dict[str, Timing]:
    """Times functions of the same arguments, the first of them being the yardstick.

    They take turns, so that a busy machine is busy for all of them, and each ratio is
    the median over rounds of two times taken next to each other. `warm`: see
    `take_turns`.
    """
    programs, timings = {}, {}
    for name, function in functions.items():
        program, taken = compiled(function, *arguments)
        programs[name] = partial(program, *arguments)
        timings[name] = {"compile_seconds": taken}
    seconds = take_turns(programs, repeat=repeat, warm=warm)
    yardstick = seconds[next(iter(functions))]
    for name, taken in seconds.items():
        ratios = [mine / its for mine, its in zip(taken, yardstick, strict=True)]
        timings[name]["seconds"] = statistics.median(taken)
        timings[name]["ratio_to_textbook"] = statistics.median(ratios)
    return timings


def compiled(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """The compiled program of a function, and the seconds that it took."""
    start = time.perf_counter()
    program = jax.jit(function).lower(*arguments).compile()
    return program, time.perf_counter() - start


def take_turns(
    programs: Mapping[str, Callable[[], Any]], *, repeat: int, warm: bool = False
) -> dict[str, list[float]]:
    """Seconds of each program in each round, after a round to warm up.

    One run each a round, so that a busy machine is busy for all of them.

    Args:
      programs: by name.
      repeat: rounds.
      warm: whether each runs once more, untimed, before it is timed in a round. Behind
        a program that takes much memory, a small one is else twice as slow as it is
        behind itself: its pages were given back.
    """
    seconds = {name: [] for name in programs}
    for round_ in range(repeat + 1):
        for name, program in programs.items():
            if warm:
                jax.block_until_ready(program())
            start = time.perf_counter()
            jax.block_until_ready(program())
            if round_:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def rounded(value: Any) -> Any:
    """Four digits of a float; anything else as it is."""
    return float(f"{value:.4g}") if isinstance(value, float) else value


def report(timings: dict[str, Timing], **facts: Any) -> None:
    """Prints one JSON object for each function that `compare` timed."""
    for name, timing in timings.items():
        figures = {key: rounded(value) for key, value in timing.items()}
        row = facts | {"method": name, "dtype": "complex64"} | figures | machine()
        print(json.dumps(row), flush=True)


def positive(text: str) -> int:
    """A flag's value, for `argparse`."""
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"must be positive; got {value}")
    return value


def machine() -> dict[str, Any]:
    """What a number was measured on, and with."""
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
        commit = found.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = None  # not a checkout, or no git
    return {
        "jax": jax.__version__,
        "device": jax.devices()[0].device_kind,
        "cpus": os.cpu_count(),
        "commit": commit,
    }
