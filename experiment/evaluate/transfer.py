"""Does an agent adapt within a context, and to what? Played, and written down.

On every split of a meta-environment's tasks, trial by trial, with memory as it is and
tampered with (`agents.acting.trials`), beside random play and an expert. One folder:
trials.csv.gz, learners.csv, tasks.csv, adaptation.csv, result.json, manifest.json,
report.html and its pictures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

import envs
from agents.acting.controls import RANDOM
from experiment import files
from experiment.errors import InputError
from experiment.evaluate import (
    ceiling,
    experts,
    kept,
    transfer_figures,
    transfer_report,
    trials,
    words,
)
from experiment.evaluate.players import check_fits, say_unfinished
from experiment.evaluate.transfer_figures import Body
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


@dataclass(frozen=True)
class Plan:
    """What to play, checked."""

    request: TransferRequest
    splits: tuple[str, ...]
    trained: int  # trials of a meta-episode while training
    num_trials: int  # K, while evaluating
    swap_at: int
    experts: Path

    @classmethod
    def of(
        cls, folder: RunFolder, config: RunConfig, request: TransferRequest
    ) -> "Plan":
        """Fills in what the request left open.

        Raises:
          InputError: if the environment has no splits, or the trials do not suffice.
        """
        splits = envs.spec(config.env.name).splits
        if not splits:
            raise InputError(
                "transfer=true needs a run on a meta-environment; "
                f"{config.env.name} has no splits of tasks."
            )
        trained = int(config.env.params["num_trials"])
        num_trials = 2 * trained if request.trials is None else request.trials
        swap_at = request.swap_at
        if swap_at is None:
            swap_at = max(1, trained // 2)
        if not 1 <= swap_at < num_trials:
            raise InputError(
                f"swap_at must lie between 1 and the last of {num_trials} trials, "
                f"{num_trials - 1}; got {swap_at}."
            )
        own = folder.path / "experts"
        kept = own if request.experts is None else Path(request.experts)
        return cls(request, splits, trained, num_trials, swap_at, kept)

    def key(self, split: str) -> jax.Array:
        """Decides tasks and draws; the same under every control."""
        key = jax.random.key(self.request.seed)
        return jax.random.fold_in(key, self.splits.index(split))


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
        bodies[split] = _bodies(plan, agent, choice, task, split)
        known = _levels(plan, choice, split, task)
        said = f"playing {words.split(split)} ({request.tasks})"
        with waiting(said), computing(config):
            found = _play(agent, learners, plan, split)
        levels[split] = _with_random(known, bodies[split], found.pop(RANDOM)[0])
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


def _levels(plan: Plan, choice: EnvChoice, split: str, task: Any) -> dict[str, Any]:
    """What an expert earns per trial on the very tasks that are played, if known."""
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


def _bodies(
    plan: Plan, agent: Any, choice: EnvChoice, task: Any, split: str
) -> dict[str, Body]:
    """The bodies among the tasks, each with what agents trained on it alone earn."""
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


def _with_random(
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
