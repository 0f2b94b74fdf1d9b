"""How many steps a second each memory acts and learns: `python -m results.cores.speed`.

One layer of 64 features (of a hybrid, one pattern). Learning is a forward pass with its
gradient over [T, B, 64], of as many steps whatever T is; acting is 64 calls of one
step, one after another in a compiled loop as in a rollout, over 256 lanes. Each core
takes turns with S5, so that a busy machine is busy for both, and the ratio is the
median over rounds. Compiling is not in it. Writes results/cores/speed.csv, a row as
soon as it is measured, and goes on where it stopped.
"""

from functools import partial
from pathlib import Path
from typing import Any

import jax

import s5rl
from benchmarks.core import forward_and_gradient, our_stack
from benchmarks.measure import compare
from results import common

HERE = Path(__file__).parent
FEATURES, LANES, STEPS, REPEAT = 64, 256, 16_384, 9
ACTS = 64  # steps that are timed together, for one is over before a clock can tell
LENGTHS = (1, 64, 256, 1_024, 4_096)  # 1 is acting
FIELDS = ("core", "T", "B", "steps_per_second", "times_s5", "compile_seconds")


def lone_layer(name: str) -> Any:
    """The core with one layer."""
    return s5rl.make_core(name, features=FEATURES, num_layers=1)


def inputs(cores: dict[str, Any], length: int, batch: int) -> tuple:
    """(parameters, carry, x, reset), the first two by core, an episode end in 50."""
    x_key, reset_key, key = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(x_key, (length, batch, FEATURES))
    reset = jax.random.bernoulli(reset_key, 0.02, (length, batch))
    params, carry = {}, {}
    for name, core in cores.items():
        carry[name] = core.initial_carry(batch)
        variables = jax.jit(core.init)(key, carry[name], x, reset)
        params[name] = variables.get("params", {})
    return params, carry, x, reset


def acting(run: Any, params: Any, carry: Any, x: Any, reset: Any) -> Any:
    """Memory and outputs of calls of one step each."""

    def step(carry: Any, seen: Any) -> Any:
        return run(params, carry, *(part[None] for part in seen))

    return jax.lax.scan(step, carry, (x, reset))


def measured(name: str, length: int) -> dict[str, Any]:
    """A row of the table."""
    acts = length == 1
    batch = LANES if acts else STEPS // length
    calls = ACTS if acts else 1
    cores = {each: lone_layer(each) for each in ("s5", name)}

    def timed(each, params, carry, x, reset):
        run = partial(our_stack, cores[each])
        passed = acting if acts else forward_and_gradient
        return passed(run, params[each], carry[each], x, reset)

    timing = compare(
        {each: partial(timed, each) for each in cores},
        inputs(cores, length * calls, batch),
        repeat=REPEAT,
        warm=True,
    )[name]
    return {
        "core": name,
        "T": length,
        "B": batch,
        "steps_per_second": f"{length * calls * batch / timing['seconds']:.0f}",
        "times_s5": f"{1 / timing['ratio_to_textbook']:.3f}",
        "compile_seconds": f"{timing['compile_seconds']:.1f}",
    }


def main() -> None:
    """Measures what is not there yet."""
    path = HERE / "speed.csv"
    known = {(row["core"], int(row["T"])) for row in common.read(path)}
    for length in LENGTHS:
        for name in s5rl.core_names():
            if (name, length) in known:
                continue
            row = measured(name, length)
            common.append(path, FIELDS, [row])
            print(*row.values(), flush=True)


if __name__ == "__main__":
    main()
