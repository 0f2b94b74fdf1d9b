"""What does one update of the paper's network cost, and where does its time go?

    python -m benchmarks.update
    python -m benchmarks.update --core gru --length 8 --batch 4 --features 4 --repeat 1

PPO on `memory_chain`, [T, B] = [256, 16], 4 epochs, 4 minibatches; S5 of four layers
256 wide with 256 states and full GLU, a GRU of one layer, an MLP of four. Prints a JSON
object for each core: seconds of an update and of its parts (the parts are compiled
apart, and need not sum up), floating-point operations of its matrix products, forward
and backward (`benchmarks/flops.py`), and `share`: those a second, of what the same
machine reaches in the largest float32 product of two square matrices that it is best
at, between whose runs the updates took turns.
"""

import argparse
import json
import statistics
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from agents.acting.fit import Minibatch
from agents.ppo.objective import Learned, loss
from benchmarks import paper
from benchmarks.flops import matrix_products
from benchmarks.measure import compiled, machine, positive, rounded, take_turns

CORES = tuple(paper.LAYERS)
SQUARES = (512, 1024, 2048, 4096)  # sizes of the products that the machine is held to


def programs_of(agent: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What is timed, ready to be called; operations; seconds of compiling."""
    parts = paper.Parts(agent)
    learner = jax.jit(agent.initialise)(jax.random.key(0))
    collect, first = compiled(parts.collect, learner)
    _, rollout = collect(learner)
    advantages, second = compiled(parts.advantages, rollout)
    advantage = advantages(rollout)
    fit, third = compiled(parts.fit, learner, rollout, advantage)
    update, whole = compiled(agent.update, learner)
    ready = {
        "update": partial(update, learner),
        "collect": partial(collect, learner),
        "advantages": partial(advantages, rollout),
        "fit": partial(fit, learner, rollout, advantage),
    }
    operations = {
        "collect": matrix_products(parts.collect, learner),
        "fit": matrix_products(parts.fit, learner, rollout, advantage),
    }
    seconds = dict(zip(ready, (whole, first, second, third), strict=True))
    return ready, operations, seconds


def gradient_step(agent: Any) -> tuple[float, float]:
    """Operations of one minibatch's gradient: as counted here, and as XLA counts.

    XLA counts element-wise work too, and a loop's body once: it is above where no
    matrix product stands in a loop (S5, MLP), and far below where one does (GRU).
    """
    parts = paper.Parts(agent)
    learner = jax.eval_shape(agent.initialise, jax.random.key(0))
    _, rollout = jax.eval_shape(parts.collect, learner)
    advantage = jax.eval_shape(parts.advantages, rollout)
    lanes = jnp.arange(agent.config.num_envs // agent.config.num_minibatches)

    def gradient(params, carry, rollout, advantage):
        part = Minibatch(
            jax.tree.map(lambda x: x[lanes], carry),
            jax.tree.map(lambda x: x[:, lanes], rollout),
            Learned(advantage[:, lanes]),
        )
        return jax.grad(loss, has_aux=True)(params, part, jax.random.key(0), agent)

    arguments = learner.params, learner.situation.carry, rollout, advantage
    program, _ = compiled(gradient, *arguments)
    return matrix_products(gradient, *arguments), program.cost_analysis()["flops"]


def products(sizes: tuple[int, ...]) -> dict[str, Any]:
    """Float32 products of square matrices, ready to be called."""
    found = {}
    for size in sizes:
        a, b = jax.random.normal(jax.random.key(size), (2, size, size))
        program, _ = compiled(jnp.matmul, a, b)
        found[f"{size}"] = partial(program, a, b)
    return found


def measured(agent: Any, *, repeat: int, squares: tuple[int, ...]) -> dict[str, Any]:
    """One core's row: see above."""
    ready, operations, compiling = programs_of(agent)
    seconds = take_turns(ready | products(squares), repeat=repeat)
    # The best a product can do is what the machine can do.
    rates = {size: 2 * size**3 / min(seconds.pop(f"{size}")) for size in squares}
    best = max(rates, key=lambda size: rates[size])
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    counted, by_xla = gradient_step(agent)
    total = sum(operations.values())
    config = agent.config
    return {
        "seconds": median["update"],
        **{f"{name}_seconds": median[name] for name in median if name != "update"},
        "steps_per_second": config.steps_per_update / median["update"],
        "compile_seconds": compiling["update"],
        "flop": total,
        **{f"{name}_flop": count for name, count in operations.items()},
        "flop_per_second": total / median["update"],
        "machine_flop_per_second": rates[best],
        "machine_product": best,
        "share": total / median["update"] / rates[best],
        "fit_share": operations["fit"] / median["fit"] / rates[best],
        "gradient_step_flop": counted,
        "gradient_step_flop_xla": by_xla,
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--core", nargs="+", default=CORES, help="of s5rl.core_names()")
    sizes = {"length": 256, "batch": 16, "features": 256, "states": 256}
    sizes |= {"epochs": 4, "minibatches": 4}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=positive, default=default)
    parser.add_argument("--layers", type=positive, help="of every core")
    parser.add_argument("--squares", type=positive, nargs="+", default=SQUARES)
    parser.add_argument("--repeat", type=positive, default=7, help="rounds")
    flags = vars(parser.parse_args(argv))
    cores, repeat = flags.pop("core"), flags.pop("repeat")
    squares = tuple(flags.pop("squares"))
    for core in cores:
        agent = paper.make_agent(core, **flags)
        row = {"benchmark": "update", "core": core, "repeat": repeat} | flags
        row["layers"] = agent.network.core.config.num_layers
        row |= measured(agent, repeat=repeat, squares=squares)
        row = {key: rounded(value) for key, value in row.items()}
        print(json.dumps(row | machine()), flush=True)


if __name__ == "__main__":
    main()
