"""How fast the paper's setting and the presets train."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax

from benchmarks import paper
from benchmarks.gpu.worker import Refusal
from benchmarks.measure import compiled, machine, rounded, take_turns
from benchmarks.trainer import Trainer

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
    trainer = Trainer(arguments)

    def run() -> Rows:
        seconds = statistics.median(take_turns({"update": trainer}, repeat=5)["update"])
        config, options = trainer.config, trainer.config.agent.options
        row = {
            "arguments": list(arguments),
            "env": config.env.name,
            "num_envs": options.num_envs,
            "rollout_length": options.rollout_length,
            "num_minibatches": options.num_minibatches,
            "total_steps": config.schedule.total_steps,
            "steps_per_second": trainer.steps / seconds,
            "update_seconds": seconds,
            "whole_run_seconds": seconds * config.num_updates,
            "compile_seconds": trainer.compile_seconds,
            "gigabytes": trainer.gigabytes,
        }
        yield {key: rounded(value) for key, value in row.items()} | machine()

    return run
