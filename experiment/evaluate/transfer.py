"""Does an agent adapt within a context, and to what? Played, and written down.

On every split of a meta-environment's tasks, trial by trial, with memory as it is and
tampered with (`agents.acting.trials`), beside random play and an expert. One folder:
trials.csv.gz, learners.csv, tasks.csv, adaptation.csv, result.json, manifest.json,
report.html and its pictures.
"""

from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from agents.acting.controls import RANDOM
from experiment import files
from experiment.evaluate import (
    kept,
    transfer_figures,
    transfer_report,
    trials,
    words,
)
from experiment.evaluate.levels import bodies_of, experts_of, with_random
from experiment.evaluate.plan import Plan
from experiment.evaluate.players import check_fits, say_unfinished
from experiment.run import manifest
from experiment.run.outcome import setting_of
from experiment.run.picked import restored
from experiment.run.progress import waiting
from experiment.run.run_folder import RunFolder
from experiment.setup import needs
from experiment.setup.building import build_agent, computing, learner_shapes
from experiment.setup.config import RunConfig
from experiment.setup.figures import formats
from experiment.setup.request import TransferRequest
from experiment.setup.sections import EnvChoice, override_env


def evaluate(
    folder: RunFolder,
    whole: RunConfig,
    env_choice: EnvChoice,
    request: TransferRequest,
) -> dict[str, Any]:
    """Plays, prints and writes to `<run>/evaluations/transfer-<time>/`.

    Returns:
      The result, as it stands in result.json.

    Raises:
      InputError: if the run's environment has no splits of tasks, the trials do not
        suffice, or there is no usable checkpoint.
    """
    setting = setting_of(folder, whole, request.setting)
    config = whole.alone(setting)
    plan = Plan.of(folder, config, request)
    trained = build_agent(config)
    like = learner_shapes(trained, whole)
    update, learners, _ = restored(folder, whole, setting, like)
    needs.check_played(config, trained, learners, {"tasks": request.tasks})
    say_unfinished(folder, whole, update)
    played, levels, figures, bodies = {}, {}, {}, {}
    for split in plan.splits:
        given = {"split": split, "num_trials": plan.num_trials, "step_budget": None}
        choice = override_env(env_choice, given)
        agent = build_agent(config, choice)
        check_fits(like, learner_shapes(agent, whole))
        tasks = partial(agent.tasks, num_tasks=request.tasks)
        with computing(config):  # and not the experts, which are runs of their own
            task = jax.device_get(jax.jit(tasks)(plan.key(split)))
        bodies[split] = bodies_of(plan, choice, split, task, agent)
        known = experts_of(plan, choice, split, task)
        said = f"playing {words.split(split)} ({request.tasks})"
        with waiting(said), computing(config):
            found = _play(agent, learners, plan, split)
        levels[split] = with_random(known, bodies[split], found.pop(RANDOM)[0])
        played[split] = found
        figures[split] = transfer_figures.split(
            {control: returns for control, (returns, _) in played[split].items()},
            levels[split],
            bodies[split],
            trained=plan.trained,
            swap_at=plan.swap_at,
        )
        controls = ", ".join(map(words.control, played[split]))
        print(f"played {words.split(split)}: {controls}", flush=True)
    weights = trained.weights(like.params)
    result = {**_facts(plan, whole, weights), "checkpoint_update": update}
    result |= {**whole.sweep.facts(setting), "levels": levels, "splits": figures}
    path = _write(folder, result, played, bodies, request)
    print(transfer_report.text(result))
    print(f"written to {path}")
    return result


def _facts(plan: Plan, config: RunConfig, weights: Any) -> dict[str, Any]:
    parameters = sum(x.size for x in jax.tree.leaves(weights))
    return {
        "env": config.env.name,
        "core": config.core.name,
        "agent": config.agent.name,
        "memory": config.agent.options.memory,
        "num_parameters": parameters // config.num_learners,
        "num_trials_trained": plan.trained,
        "num_trials": plan.num_trials,
        "swap_at": plan.swap_at,
        "tasks": plan.request.tasks,
        "seed": plan.request.seed,
        "greedy": plan.request.greedy,
    }


def _play(agent: Any, learners: Any, plan: Plan, split: str) -> dict[str, np.ndarray]:
    """[2, S, N, K] by control: returns and lengths of learners on the same tasks."""
    found = agent.evaluate_trials(
        learners,
        plan.key(split),
        num_tasks=plan.request.tasks,
        num_trials=plan.num_trials,
        swap_at=plan.swap_at,
        greedy=plan.request.greedy,
    )
    return {
        control: np.stack(jax.device_get((trials.trial_return, trials.length)))
        for control, trials in found.items()
    }


def _write(
    folder: RunFolder,
    result: dict[str, Any],
    played: Any,
    bodies: Any,
    request: TransferRequest,
) -> Path:
    path = folder.new_evaluation("transfer")
    trained, swap_at = result["num_trials_trained"], result["swap_at"]
    with files.new_folder(path) as place:
        trials.write(place, played)
        kept.write(place, played, bodies, trained=trained, swap_at=swap_at)
        files.write_json(place / "result.json", result)
        made = manifest.record_evaluation(folder.manifest, place)
        wanted = formats(request.figures)
        transfer_report.write(place, result, made=made, figures=wanted)
    return path
