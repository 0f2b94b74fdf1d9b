"""Does an agent adapt within a context, and to what? Played, and written down.

On every split of a meta-environment's tasks, trial by trial, with memory as it is and
tampered with (`agents.trials`), beside random play and an expert. One folder:
trials.csv, result.json, report.html and its pictures.
"""

import csv
import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import envs
from experiment import transfer_report
from experiment.building import build_agent, initialise_seeds, over_seeds, seed_keys
from experiment.checkpoints import Checkpoints
from experiment.config import EnvChoice, RunConfig, override_env
from experiment.errors import InputError
from experiment.evaluation import check_fits
from experiment.request import TransferRequest
from experiment.run_folder import RunFolder

CONTROLS = ("none", "cleared", "swapped", "never_reset")
COLUMNS = ("split", "control", "seed", "task", "trial", "return", "length")


def evaluate(
    folder: RunFolder,
    config: RunConfig,
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
    splits = envs.spec(config.env.name).splits
    if not splits:
        raise InputError(
            f"transfer=true needs a run on a meta-environment; {config.env.name} has "
            "no splits of tasks."
        )
    trained = int(config.env.params["num_trials"])
    num_trials = request.trials or 2 * trained
    swap_at = request.swap_at or max(1, trained // 2)
    if not 1 <= swap_at < num_trials:
        raise InputError(
            f"swap_at must lie between 1 and the last of {num_trials} trials, "
            f"{num_trials - 1}; got {swap_at}."
        )
    like = jax.eval_shape(
        partial(initialise_seeds, build_agent(config)), seed_keys(config)
    )
    update, learners = Checkpoints(folder.checkpoints).restore(like)
    facts: dict[str, Any] = {
        "env": config.env.name,
        "core": config.core.name,
        "memory": config.agent.options.memory,
        "checkpoint_update": update,
        "num_trials_trained": trained,
        "num_trials": num_trials,
        "swap_at": swap_at,
        "tasks": request.tasks,
        "seed": request.seed,
        "greedy": request.greedy,
        "num_parameters": sum(x.size for x in jax.tree.leaves(like.params))
        // config.schedule.num_seeds,
        "levels": {},
    }
    late = transfer_report.adapted_trials(trained)
    played = {}
    for split in splits:
        given = {"split": split, "num_trials": num_trials, "step_budget": None}
        choice = override_env(env_choice, given)
        agent = build_agent(config, choice)
        check_fits(
            like, jax.eval_shape(partial(initialise_seeds, agent), seed_keys(config))
        )
        key = jax.random.fold_in(jax.random.key(request.seed), splits.index(split))
        play = partial(_play, agent, learners, key, request, num_trials, swap_at)
        played[split] = {control: play(control) for control in CONTROLS}
        levels = _levels(agent, choice, key, request, num_trials, late)
        levels["random"] = float(play("random")[0].mean())
        facts["levels"][split] = levels
        print(f"played {split}: {', '.join(CONTROLS)}", flush=True)
    result = facts | {"splits": transfer_report.summarise(played, facts)}
    path = _write(folder, result, played)
    print(transfer_report.text(result))
    print(f"written to {path}")
    return result


def _play(agent, learners, key, request, num_trials, swap_at, control) -> np.ndarray:
    """[2, S, N, K]: returns and lengths of all learners on the same tasks."""

    def one(learner):
        return agent.evaluate_trials(
            learner,
            key,
            num_tasks=request.tasks,
            num_trials=num_trials,
            swap_at=swap_at,
            control=control,
            greedy=request.greedy,
        )

    trials = jax.device_get(jax.jit(over_seeds(one))(learners))
    return np.stack([trials.trial_return, trials.length])


def _levels(agent, choice, key, request, num_trials, late) -> dict[str, Any]:
    """What scores are normalised by, per trial, on the very tasks that were played."""
    task = jax.jit(partial(agent.tasks, num_tasks=request.tasks))(key)
    expert_key = jax.random.fold_in(key, 1)
    found: Mapping[str, Any] = envs.references(
        choice.name, choice.params, task, key=expert_key, num_trials=num_trials
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
        levels["expert"] = float(curve[late].mean())
    elif best is not None:
        levels |= {"expert": levels["best"], "expert_name": "play that knows the task"}
    return levels


def _write(folder: RunFolder, result: dict[str, Any], played: Any) -> Path:
    time = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    path = folder.evaluations / f"transfer-{time}"
    path.mkdir(parents=True)
    (path / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    with (path / "trials.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for split, controls in played.items():
            for control, (returns, lengths) in controls.items():
                for (seed, task, trial), value in np.ndenumerate(returns):
                    length = int(lengths[seed, task, trial])
                    row = (split, control, seed, task, trial + 1)
                    writer.writerow([*row, f"{value:.6g}", length])
    transfer_report.write(path, result, played)
    return path
