"""How long does each method of `linear_recurrence` take, beside the textbook scan?

    python -m benchmarks.recurrence
    python -m benchmarks.recurrence --length 64 --batch 2 --repeat 1

Prints a JSON object a line: forward, and forward with the gradients of a, b and carry,
at three sizes [T, B, P] unless one is chosen. `a` is [P], as an S5 layer has it.
`ratio_to_textbook` is time over the textbook's time: below one is faster.
"""

import argparse
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from benchmarks.measure import compare, positive, report, textbook_recurrence
from s5rl import linear_recurrence

SIZES = ((1024, 8, 128), (128, 64, 128), (1024, 64, 128))
METHODS: dict[str, Callable] = {
    "textbook": textbook_recurrence,
    "associative": partial(linear_recurrence, method="associative"),
    "sequential": partial(linear_recurrence, method="sequential"),
}


def inputs(length: int, batch: int, states: int) -> tuple[Array, ...]:
    """(a, b, reset, carry) as an S5 layer has them, with an episode end in 50 steps."""
    keys = jax.random.split(jax.random.key(0), 5)
    step = jax.random.uniform(keys[0], (states,), minval=1e-3, maxval=1e-1)
    a = jnp.exp(step * jax.lax.complex(-0.5, jnp.arange(states, dtype=jnp.float32)))
    b = jax.random.normal(keys[1], (length, batch, states), jnp.complex64)
    reset = jax.random.bernoulli(keys[2], 0.02, (length, batch))
    return a, b, reset, jax.random.normal(keys[3], (batch, states), jnp.complex64)


def forward(run: Callable, *arguments: Array) -> Array:
    """All states."""
    return run(*arguments)[1]


def forward_and_gradient(run: Callable, *arguments: Array):
    """All states' energy, and its gradient in a, b and carry."""
    a, b, reset, carry = arguments

    def energy(a, b, carry):
        h = run(a, b, reset, carry)[1]
        return jnp.sum(h.real**2 + h.imag**2)

    return jax.value_and_grad(energy, argnums=(0, 1, 2))(a, b, carry)


PASSES = {"forward": forward, "forward+gradient": forward_and_gradient}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--length", type=positive, help="T, of one size")
    parser.add_argument("--batch", type=positive, help="B, of one size")
    parser.add_argument("--states", type=positive, help="P, of one size")
    parser.add_argument("--repeat", type=positive, default=11, help="rounds")
    flags = parser.parse_args(argv)
    chosen = flags.length, flags.batch, flags.states
    sizes = SIZES
    if any(chosen):
        sizes = [tuple(c or d for c, d in zip(chosen, SIZES[0], strict=True))]
    for size in sizes:
        for name, make in PASSES.items():
            functions = {method: partial(make, run) for method, run in METHODS.items()}
            timings = compare(functions, inputs(*size), repeat=flags.repeat)
            length, batch, states = size
            facts = {"T": length, "B": batch, "P": states, "repeat": flags.repeat}
            report(timings, benchmark="recurrence", **{"pass": name}, **facts)


if __name__ == "__main__":
    main()
