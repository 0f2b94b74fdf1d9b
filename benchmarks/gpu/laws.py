"""Does it run on a card, and do the laws hold there? Errors, beside what is tolerated.

A matrix product in float32 is TF32 on a card by default, with ten bits of mantissa:
what is compared across different shapes of products differs by as much. So each law is
asked twice, as it comes and with `jax_default_matmul_precision` at "highest".
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import s5rl
from benchmarks import paper
from benchmarks.gpu.worker import Refusal
from benchmarks.measure import compiled, machine, rounded
from s5rl import linear_recurrence

ROOT = Path(__file__).parents[2]
TOLERANCES = {"default": 1e-2, "highest": 2e-4}  # of values of about one
ELEMENTWISE = 2e-5  # the recurrence has no matrix product
Rows = Iterator[dict[str, Any]]


def it_runs(size: int) -> Callable[[], Rows]:
    """What the machine is, and how fast it multiplies and copies."""
    a = jax.random.normal(jax.random.key(0), (2, size, size))
    programs = {}
    for precision in ("default", "highest", "bfloat16"):
        given = a.astype(jnp.bfloat16) if precision == "bfloat16" else a
        with jax.default_matmul_precision(
            "highest" if precision == "highest" else "default"
        ):
            program, _ = compiled(jnp.matmul, *given)
        programs[precision] = partial(program, *given)

    def run() -> Rows:
        yield machine() | {"platform": jax.devices()[0].platform}
        for precision, program in programs.items():
            jax.block_until_ready(program())
            start = time.perf_counter()
            jax.block_until_ready([program() for _ in range(5)])
            rate = 5 * 2 * size**3 / (time.perf_counter() - start)
            yield {"product": precision, "size": size, "flop_per_second": rounded(rate)}

    return run


def recurrence(method: str) -> Callable[[], Rows]:
    """Values and gradients against the definition, containment, and chunks."""
    length, batch, states, cut = 33, 3, 40, 20
    keys = jax.random.split(jax.random.key(1), 5)
    a = 0.9 * jnp.exp(1j * jax.random.uniform(keys[0], (states,), maxval=3.0))
    a, shape = a.astype(jnp.complex64), (length, batch, states)
    b, bar = (jax.random.normal(key, shape, jnp.complex64) for key in keys[1:3])
    carry = jax.random.normal(keys[3], shape[1:], jnp.complex64)
    reset = jax.random.bernoulli(keys[4], 0.1, shape[:2]).at[cut].set(True)

    @jax.jit
    def both(a, b, carry):
        def run(a, b, carry):
            return linear_recurrence(a, b, reset, carry, method=method)[1]

        h, pullback = jax.vjp(run, a, b, carry)
        return h, *pullback(bar)

    @jax.jit
    def parts(a, b, carry):
        middle, first = linear_recurrence(a, b[:cut], reset[:cut], carry, method=method)
        rest = linear_recurrence(a, b[cut:], reset[cut:], middle, method=method)[1]
        return jnp.concatenate([first, rest])

    try:
        got, chunked = both(a, b, carry), parts(a, b, carry)
    except (ValueError, NotImplementedError) as error:
        raise Refusal(" ".join(str(error).split())[:300]) from error
    # In a segment that the poison is not in, not a bit may differ.
    after = both(a, b.at[cut - 1, 1, 0].set(jnp.nan), carry)[0][cut:]

    def ask() -> Rows:
        row = {"method": method, "precision": "default"}
        names = ("values", "gradient of a", "gradient of b", "gradient of carry")
        want = by_definition(*(np.asarray(x) for x in (a, b, reset, carry, bar)))
        for name, one, other in zip(names, got, want, strict=True):
            yield row | _held(name, one, other, ELEMENTWISE)
        yield row | _held("chunks", chunked, got[0], ELEMENTWISE)
        yield row | _held("a lost segment is lost alone", after, got[0][cut:], 0.0)

    return ask


def by_definition(
    a: np.ndarray, b: np.ndarray, reset: np.ndarray, carry: np.ndarray, bar: np.ndarray
) -> tuple[np.ndarray, ...]:
    """States [T, B, P] and cotangents of a, b and carry, step by step in float64.

    Cotangents are JAX's: of a product, the other factor and no conjugate of it.
    """
    a, b, carry, bar = (x.astype(np.complex128) for x in (a, b, carry, bar))
    goes_on = ~reset[..., None]
    entering, h = [], carry
    for t in range(len(b)):
        entering.append(goes_on[t] * h)
        h = a * entering[t] + b[t]
    states = [a * entering[t] + b[t] for t in range(len(b))]
    b_bar = np.zeros_like(b)
    back = np.zeros_like(carry)
    for t in reversed(range(len(b))):
        b_bar[t] = bar[t] + back
        back = goes_on[t] * a * b_bar[t]
    a_bar = (b_bar * np.stack(entering)).sum((0, 1))
    return np.stack(states), a_bar, b_bar, back


def cores(names: Sequence[str]) -> Callable[[], Rows]:
    """One call of T steps equals T calls of one, and nothing crosses a reset."""
    length, batch, features, cut = 24, 3, 32, 13
    x_key, key = jax.random.split(jax.random.key(2))
    x = jax.random.normal(x_key, (length, batch, features))
    reset = jnp.zeros((length, batch), bool).at[cut].set(True)
    ready = []
    for name in names:
        core = s5rl.make_core(name, features=features, **_small(name))
        carry = core.initial_carry(batch)
        variables = jax.jit(core.init)(key, carry, x, reset)
        for precision in TOLERANCES:
            with jax.default_matmul_precision(_as_jax_has_it(precision)):
                whole, _ = compiled(core.apply, variables, carry, x, reset)
                step, _ = compiled(core.apply, variables, carry, x[:1], reset[:1])
            ready.append((name, precision, variables, carry, whole, step))

    def ask() -> Rows:
        for name, precision, variables, carry, whole, step in ready:
            row = {"core": name, "precision": precision}
            _, want = whole(variables, carry, x, reset)
            now, outputs = carry, []
            for t in range(length):
                now, y = step(variables, now, x[t : t + 1], reset[t : t + 1])
                outputs.append(y)
            got = jnp.concatenate(outputs)
            yield row | _held("a step at a time", got, want, TOLERANCES[precision])
            _, other = whole(variables, carry, x.at[:cut].add(1.0), reset)
            yield row | _held("a reset", other[cut:], want[cut:], 0.0)

    return ask


def first_ratio(core: str) -> Callable[[], Rows]:
    """Replaying a rollout before the first gradient step gives what acting gave."""
    sizes = {"length": 128, "batch": 64, "features": 64, "states": 64}
    agent = paper.make_agent(core, **sizes, epochs=1, minibatches=4)
    ready = {}
    for precision in TOLERANCES:
        with jax.default_matmul_precision(_as_jax_has_it(precision)):
            learner = jax.jit(agent.initialise)(jax.random.key(0))
            ready[precision] = compiled(agent.update, learner)[0], learner

    def ask() -> Rows:
        for precision, (update, learner) in ready.items():
            error = update(learner)[1]["diagnostics/first_ratio_error"]
            row = {"core": core, "precision": precision}
            limit = TOLERANCES[precision]
            yield row | _held("first ratio", error, jnp.zeros_like(error), limit)

    return ask


def tests(paths: Sequence[str]) -> Callable[[], Rows]:
    """The laws as this project's tests hold them, on whatever device there is."""
    # Their conftest sets flags for a CPU; a card ignores them.
    command = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-rf", *paths]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ)
    )
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("FAILED")]

    def ask() -> Rows:
        last = lines[-1] if lines else ""
        counts = re.findall(r"(\d+) (passed|failed|errors?|skipped)", last)
        row = {"law": "tests", "paths": list(paths), "holds": not done.returncode}
        yield row | {what: int(count) for count, what in counts}
        yield from ({"failed": line[:300]} for line in failed)

    return ask


def _held(law: str, got: Any, want: Any, tolerance: float) -> dict[str, Any]:
    """The largest difference, relative to the largest value or to one."""
    got, want = np.asarray(got), np.asarray(want)
    error = float(np.abs(got - want).max() / max(1.0, np.abs(want).max()))
    holds = bool(error <= tolerance)  # not of NaN
    return {"law": law, "error": rounded(error), "tolerance": tolerance, "holds": holds}


def _as_jax_has_it(precision: str) -> Any:
    return None if precision == "default" else precision


def _small(name: str) -> dict[str, Any]:
    return {"pattern": ("s5", "window_attention")} if name == "hybrid" else {}
