"""How long does it take to trace and lower an update of the paper's network?

    python -m benchmarks.tracing
    python -m benchmarks.tracing --layers 1 --features 8 --states 8 --repeat 1

PPO on `memory_chain`, [T, B] = [256, 16], four S5 layers 256 wide with 256 states and
full GLU; its initialisation is traced before. Prints a JSON object for the first time
in the process, when HiPPO's matrix is diagonalised, and one for the median of later
times, with all of JAX's caches emptied before each. Nothing is compiled or run.
"""

import argparse
import json
import statistics
import time
from unittest import mock

import jax
import numpy as np

from benchmarks.measure import machine, positive
from benchmarks.paper import make_agent


def lower_update(agent) -> tuple[float, int]:
    """Seconds, and how many matrices are diagonalised."""
    jax.clear_caches()
    with mock.patch.object(np.linalg, "eigh", wraps=np.linalg.eigh) as eigh:
        start = time.perf_counter()
        learner = jax.eval_shape(agent.initialise, jax.random.key(0))
        jax.jit(agent.update).lower(learner)
        return time.perf_counter() - start, eigh.call_count


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = {"length": 256, "batch": 16, "features": 256, "states": 256, "layers": 4}
    for name, default in sizes.items():
        parser.add_argument(f"--{name}", type=positive, default=default)
    parser.add_argument("--repeat", type=positive, default=5, help="later lowerings")
    flags = vars(parser.parse_args(argv))
    repeat = flags.pop("repeat")
    agent = make_agent(**flags)
    first = lower_update(agent)
    later = [lower_update(agent) for _ in range(repeat)]
    median = statistics.median(seconds for seconds, _ in later), later[-1][1]
    for name, (seconds, count) in {"first": first, "later": median}.items():
        row = {"benchmark": "tracing", "lowering": name, "repeat": repeat} | flags
        row |= {"seconds": float(f"{seconds:.4g}"), "eigendecompositions": count}
        print(json.dumps(row | machine()), flush=True)


if __name__ == "__main__":
    main()
