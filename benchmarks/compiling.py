"""How long does it take to trace, lower and compile an update, and how large is it?

    python -m benchmarks.compiling env=projected_control
    python -m benchmarks.compiling env=memory_chain core=gru

What `python train.py` would compile with the same arguments, of one learner. Prints a
JSON object: seconds of wall clock, and of all of the process's threads, which other
load does not change much; equations of the trace, lines of the lowered program, and
fusions and loops of the compiled one, each of them a kernel to be compiled.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax

from agents.acting.axes import ALONE
from benchmarks.gpu.ways import equations
from benchmarks.measure import machine
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent


def compiling(arguments: Sequence[str]) -> dict[str, Any]:
    """Seconds and sizes of the update of a run with these arguments."""
    agent = build_agent(run_config.load(cli.composed("train", arguments)))
    agent = type(agent)(**vars(agent) | {"axes": ALONE})
    learner = jax.eval_shape(agent.initialise, jax.random.key(0))
    row: dict[str, Any] = {"arguments": list(arguments)}

    def timed(name: str, function: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = function()
        row[f"{name}_seconds"] = round(time.perf_counter() - wall, 2)
        row[f"{name}_cpu_seconds"] = round(time.process_time() - cpu, 2)
        return result

    traced = timed("trace", lambda: jax.jit(agent.update).trace(learner))
    lowered = timed("lower", traced.lower)
    text = timed("compile", lowered.compile).as_text()
    return row | {
        "equations": equations(traced.jaxpr.jaxpr, by_length=False)["equations"],
        "lines": lowered.as_text().count("\n"),
        "fusions": text.count(" fusion("),
        "loops": text.count(" while("),
    }


def main(argv: list[str] | None = None, show: Callable[[str], None] = print) -> None:
    arguments = sys.argv[1:] if argv is None else argv
    show(json.dumps(compiling(arguments) | machine()))


if __name__ == "__main__":
    main()
