"""How long the recurrence takes by each method, beside what copying would take.

The floor is bytes read once and written once over the rate at which this card copies:
16 bytes an element forward (b in, h out), 40 with the gradient (again h, and the
cotangents of h in and of b out).
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.gpu.worker import Refusal
from benchmarks.measure import compiled, machine, rounded, textbook_recurrence
from benchmarks.recurrence import inputs
from s5rl import linear_recurrence

BYTES = {"forward": 16, "forward+gradient": 40}
ROUNDS = 7


def seconds_of(program: Callable[[], Any], *, calls: int) -> float:
    """Of one call, the median over rounds: a card is asked ahead, as training does."""
    taken = []
    for round_ in range(ROUNDS + 1):
        start = time.perf_counter()
        jax.block_until_ready([program() for _ in range(calls)])
        if round_:
            taken.append((time.perf_counter() - start) / calls)
    return statistics.median(taken)


def beside_the_floor(
    method: str, sizes: Sequence[Sequence[int]], calls: int, copied: int
) -> Callable[[], Iterator[dict[str, Any]]]:
    """Forward, and forward with gradients of a, b and carry, at sizes [T, B, P].

    Args:
      method: of `linear_recurrence`, or "textbook".
      sizes: [T, B, P], each.
      calls: of a round.
      copied: float32 numbers that are copied to find the copy rate.
    """
    function = (
        textbook_recurrence
        if method == "textbook"
        else partial(linear_recurrence, method=method)
    )
    ready, refused = [], []
    for size in sizes:
        given = inputs(*size)
        for name, make in {"forward": _forward, "forward+gradient": _gradient}.items():
            try:
                program, compiling = compiled(partial(make, function), *given)
            except (ValueError, NotImplementedError) as error:
                refused.append((size, name, " ".join(str(error).split())[:300]))
                continue
            ready.append((size, name, partial(program, *given), compiling))
    if not ready:
        raise Refusal(refused[0][-1])
    numbers = jnp.ones(copied)
    copy, _ = compiled(jnp.negative, numbers)

    def run() -> Iterator[dict[str, Any]]:
        rate = 2 * numbers.nbytes / seconds_of(partial(copy, numbers), calls=calls)
        yield machine() | {"copy_bytes_per_second": rounded(rate)}
        for size, name, said in refused:
            yield {"method": method, "size": list(size), "pass": name, "refused": said}
        for (length, batch, states), name, program, compiling in ready:
            seconds = seconds_of(program, calls=calls)
            floor = BYTES[name] * length * batch * states / rate
            yield {
                "method": method,
                **{"T": length, "B": batch, "P": states, "pass": name},
                "microseconds": rounded(1e6 * seconds),
                "floor_microseconds": rounded(1e6 * floor),
                "times_floor": rounded(seconds / floor),
                "compile_seconds": rounded(compiling),
            }

    return run


def _forward(run: Callable, *arguments: Any) -> Any:
    return run(*arguments)[1]


def _gradient(run: Callable, a: Any, b: Any, reset: Any, carry: Any) -> Any:
    h, pullback = jax.vjp(lambda *given: run(given[0], given[1], reset, given[2])[1],
                          a, b, carry)  # fmt: skip
    return h, pullback(b)  # any cotangent does; b is at hand
