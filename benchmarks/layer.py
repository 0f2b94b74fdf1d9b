"""What does a layer compute and move, forward and with gradients?

    python -m benchmarks.layer
    python -m benchmarks.layer --core s5 lru --length 8 --batch 2 --features 8

A line of JSON for each core: of one layer [T, B, H], as compiled for this machine,

- `flop`: operations of its matrix products (`benchmarks/flops.py`), and `flop_xla`:
  all that XLA counts, a loop's body once. What is above is element-wise: norms, gates;
- `bytes`: what its instructions read and write, as XLA counts, a loop's body once; and
  `bytes_least`: x in and y out once, and the parameters (with gradients: and theirs);
- `complex_arrays`: arrays of complex numbers, of T B states or more, that it makes.

"gradients" are of a sum of y, with respect to x, the carry and the parameters.
"""

import argparse
import json
import math
import re
from typing import Any

import jax
import jax.numpy as jnp

import s5rl
from benchmarks.flops import matrix_products
from benchmarks.measure import compiled, machine, positive, rounded


def programs(core: Any, length: int, batch: int) -> dict[str, tuple[Any, tuple, int]]:
    """Function, arguments and least bytes of each direction."""
    x = jnp.ones((length, batch, core.features))
    reset, carry = jnp.zeros((length, batch), bool), core.initial_carry(batch)
    variables = jax.jit(core.init)(jax.random.key(0), carry, x, reset)

    def forward(variables, carry, x):
        return core.apply(variables, carry, x, reset)

    def gradients(variables, carry, x):
        return jax.grad(lambda *v: forward(*v)[1].sum(), (0, 1, 2))(variables, carry, x)

    arguments = variables, carry, x
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(variables))
    least = 2 * x.nbytes + weights
    return {
        "forward": (forward, arguments, least),
        "gradients": (gradients, arguments, 2 * least),
    }


def measured(function: Any, arguments: tuple, least: int) -> dict[str, Any]:
    """One direction's figures: see above."""
    program, _ = compiled(function, *arguments)
    counted, text = program.cost_analysis(), program.as_text()
    shapes = re.findall(r"= c(?:64|128)\[([\d,]*)\]\S* (?!parameter)", text)
    sizes = [math.prod(map(int, shape.split(","))) for shape in shapes if shape]
    length, batch = arguments[-1].shape[:2]
    return {
        "flop": matrix_products(function, *arguments),
        "flop_xla": counted["flops"],
        "bytes": counted["bytes accessed"],
        "bytes_least": least,
        "complex_arrays": sum(size >= length * batch for size in sizes),
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", nargs="+", default=["s5", "lru", "gru", "mlp"])
    sizes = {"length": 256, "batch": 4, "features": 256, "states": 256}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=positive, default=default)
    flags = parser.parse_args(argv)
    for name in flags.core:
        options = {"state_size": flags.states} if name in ("s5", "lru") else {}
        core = s5rl.make_core(name, features=flags.features, num_layers=1, **options)
        for how, (function, arguments, least) in programs(
            core, flags.length, flags.batch
        ).items():
            row = {"benchmark": "layer", "core": name, "direction": how}
            row |= {key: getattr(flags, key) for key in sizes}
            row |= measured(function, arguments, least)
            row = {key: rounded(value) for key, value in row.items()}
            print(json.dumps(row | machine()), flush=True)


if __name__ == "__main__":
    main()
