"""How many kernels a step of a rollout launches, and how long it takes."""

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax

from agents.acting.axes import ALONE
from benchmarks import paper
from benchmarks.gpu.launches import in_loop, lengths
from benchmarks.gpu.methods import seconds_of
from benchmarks.measure import compiled, machine, rounded
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent


def launches(arguments: Sequence[str]) -> Callable[[], Iterator[dict[str, Any]]]:
    """Of what `python train.py` would collect with these arguments.

    Whether XLA forms graphs is said by the flags of this process (`questions.GRAPHS`).
    """
    config = run_config.load(cli.composed("train", arguments))
    agent = build_agent(config)
    agent = type(agent)(**vars(agent) | {"axes": ALONE})
    learner = jax.jit(agent.initialise)(jax.random.key(0))
    collect, compiling = compiled(paper.Parts(agent).collect, learner)
    text, length = collect.as_text(), config.agent.options.rollout_length
    try:
        found: dict[str, Any] = in_loop(text, length)._asdict()
    except ValueError as error:
        found = {"said": str(error), "loops": lengths(text)}

    def run() -> Iterator[dict[str, Any]]:
        seconds = seconds_of(partial(collect, learner), calls=1)
        yield (
            machine()
            | found
            | {
                "env": config.env.name,
                "num_envs": config.agent.options.num_envs,
                "rollout_length": length,
                "flags": os.environ.get("XLA_FLAGS", ""),
                "collect_seconds": rounded(seconds),
                "microseconds_a_step": rounded(1e6 * seconds / length),
                "compile_seconds": rounded(compiling),
            }
        )

    return run
