"""How fast the paper's setting and the presets train."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax

from benchmarks import paper
from benchmarks.gpu.worker import Refusal
from benchmarks.measure import compiled, machine, rounded, take_turns
from experiment.run.training import compile_update
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import (
    build_agent,
    initialise_seeds,
    learner_shapes,
    seed_keys,
)

Rows = Iterator[dict[str, Any]]


def paper_setting(
    core: str, *, repeat: int = 5, fit: bool = True, **sizes: Any
) -> Callable[[], Rows]:
    """An update, and its collecting and fitting apart.

    Args:
      core: "s5", "gru" or "mlp".
      repeat: rounds, after one to warm up.
      fit: time fitting too; what is left over else.
      **sizes: of `benchmarks.paper.make_agent`.
    """
    try:
        agent = paper.make_agent(core, **sizes)
        parts = paper.Parts(agent)
        learner = jax.jit(agent.initialise)(jax.random.key(0))
        collect, _ = compiled(parts.collect, learner)
        update, compiling = compiled(agent.update, learner)
    except (ValueError, NotImplementedError) as error:
        raise Refusal(" ".join(str(error).split())[:300]) from error
    ready = {"update": partial(update, learner), "collect": partial(collect, learner)}
    if fit:
        _, rollout = collect(learner)
        advantages, _ = compiled(parts.advantages, rollout)
        advantage = advantages(rollout)
        fitted, _ = compiled(parts.fit, learner, rollout, advantage)
        ready["advantages"] = partial(advantages, rollout)
        ready["fit"] = partial(fitted, learner, rollout, advantage)

    def run() -> Rows:
        taken = take_turns(ready, repeat=repeat)
        median = {name: statistics.median(each) for name, each in taken.items()}
        row = {"core": core, **sizes, "repeat": repeat, "compile_seconds": compiling}
        row["steps_per_second"] = agent.config.steps_per_update / median["update"]
        row |= {f"{name}_seconds": seconds for name, seconds in median.items()}
        yield {key: rounded(value) for key, value in row.items()} | machine()

    return run


def preset(arguments: Sequence[str]) -> Callable[[], Rows]:
    """Steps a second of what `python train.py` would run with these arguments."""
    config = run_config.load(cli.composed("train", arguments))
    agent, options = build_agent(config), config.agent.options
    start = learner_shapes(agent, config)
    (update, _), compiling = _timed(partial(compile_update, agent, start))
    learners = initialise_seeds(agent, seed_keys(config))
    found = update.memory_analysis()

    def run() -> Rows:
        # Learners are donated, as in training, so each round goes on from the last.
        now = learners

        def go_on() -> Any:
            nonlocal now
            now, metrics = update(now)
            return metrics

        seconds = statistics.median(take_turns({"update": go_on}, repeat=5)["update"])
        steps = options.steps_per_update * config.schedule.num_seeds
        bytes_ = found.argument_size_in_bytes + found.temp_size_in_bytes if found else 0
        row = {
            "arguments": list(arguments),
            "env": config.env.name,
            "num_envs": options.num_envs,
            "rollout_length": options.rollout_length,
            "num_minibatches": options.num_minibatches,
            "total_steps": config.schedule.total_steps,
            "steps_per_second": steps / seconds,
            "update_seconds": seconds,
            "whole_run_seconds": seconds * config.num_updates,
            "compile_seconds": compiling,
            "gigabytes": bytes_ / 1e9,
        }
        yield {key: rounded(value) for key, value in row.items()} | machine()

    return run


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return function(), time.perf_counter() - start
