"""What stands beside an agent on the tasks it plays: experts, and random play."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

import envs
from experiment.evaluate import ceiling, experts, trials
from experiment.evaluate.plan import Plan
from experiment.evaluate.transfer_figures import Body
from experiment.setup.sections import EnvChoice


def experts_of(plan: Plan, choice: EnvChoice, split: str, task: Any) -> dict[str, Any]:
    """What an expert earns per trial on the very tasks that are played.

    Returns:
      "best" of play that knows the task; "expert", the mean of the trials that count as
      adapted, with its "expert_name" and "expert_per_trial". None where not known.
    """
    key = jax.random.fold_in(plan.key(split), 1)
    found: Mapping[str, Any] = envs.references(
        choice.name, choice.params, task, key=key, num_trials=plan.num_trials
    )
    best, adaptive = found.get("best"), found.get("adaptive")
    levels = {
        "best": None if best is None else float(np.mean(best)),
        "expert": None,
        "expert_name": None,
        "expert_per_trial": None,
    }
    if adaptive is not None:
        curve = np.asarray(adaptive).mean(0)
        levels["expert_per_trial"] = curve.tolist()
        levels["expert_name"] = found["adaptive_name"]
        levels["expert"] = float(curve[trials.adapted(plan.trained)].mean())
    elif best is not None:
        levels |= {"expert": levels["best"], "expert_name": "play that knows the task"}
    return levels


def bodies_of(
    plan: Plan, choice: EnvChoice, split: str, task: Any, agent: Any
) -> dict[str, Body]:
    """The bodies among the tasks, each with what agents trained on it alone earn.

    Trains these experts, unless the plan's folder has them, or there are to be none.
    Of an environment whose tasks are of one body: nothing.
    """
    bare, index = envs.bodies(choice.name, choice.params, task)
    if not bare:
        return {}
    known: list[float | None] = [None] * len(bare)
    in_task = None
    if steps := plan.request.expert_steps:
        options = {"total_steps": steps, "folder": plan.experts}
        known = [experts.level(*body, **options) for body in bare]
        in_task = ceiling.in_tasks(
            agent,
            choice,
            [experts.policy(*body, **options) for body in bare],
            plan.key(split),
            num_tasks=plan.request.tasks,
            num_trials=plan.trained,
        )
    bodies = {}
    for number, ((name, _), expert) in enumerate(zip(bare, known, strict=True)):
        tasks = np.asarray(index) == number
        if tasks.any():
            own = None if in_task is None else in_task[tasks]
            bodies[name] = Body(tasks, expert, own)
    return bodies


def with_random(
    levels: dict[str, Any], bodies: Mapping[str, Body], random: np.ndarray
) -> dict[str, Any]:
    """Adds what random play earned, [S, N, K], in all and on each body."""
    levels = levels | {"random": float(random.mean()), "bodies": {}}
    for name, body in bodies.items():
        levels["bodies"][name] = {
            "random": float(random[:, body.tasks].mean()),
            "expert": body.expert,
            "in_task": None if body.in_task is None else float(body.in_task.mean()),
        }
    each = levels["bodies"]
    for level in ("expert", "in_task") if each else ():
        if all(own[level] is not None for own in each.values()):
            levels[level] = sum(
                float(body.tasks.mean()) * each[name][level]
                for name, body in bodies.items()
            )
            levels["expert_name"] = "experts of each body"
    return levels
