"""Draws a distilled learner's trials beside its source's, and with memory cleared.

python -m results.agents.distill.curves runs/distilled results/agents/distill/dark_room

Reads the run's newest transfer evaluation, lets the run's source learn held-out tasks,
and writes `curves.csv` (a row per curve and trial) and `curves.png`. Trials of the
learner are those that it played; of the source, all that it played, practice included.
"""

import dataclasses
import sys
from pathlib import Path

import jax
import numpy as np

from experiment import files
from experiment.evaluate import trials
from experiment.histories.write import trial_returns
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, over_seeds
from experiment.setup.config import RunConfig
from experiment.setup.sections import override_env

SPLIT, SOURCES = "held_out", 512


def source_curve(config: RunConfig) -> np.ndarray:
    """[N, k K] return of every trial of sources on held-out tasks."""
    every = config.agent.options.source_every
    count = config.env.params["num_trials"] * every
    env = override_env(config.env, {"split": SPLIT, "num_trials": count})
    # The same source, all on the record: its epsilon ends with the last recorded trial.
    share = config.agent.options.source_epsilon_share
    share *= (config.env.params["num_trials"] - 1) * every / (count - 1)
    steps = count * config.env.params["trial_steps"]
    options = dataclasses.replace(
        *(config.agent.options,), rollout_length=steps, num_envs=SOURCES,
        source_every=1, source_epsilon_share=share, histories=None,
        histories_digest=None, soft_labels=False,
    )  # fmt: skip
    agent = dataclasses.replace(config.agent, options=options)
    update = dataclasses.replace(config.schedule, total_steps=options.steps_per_update)
    changed = dataclasses.replace(config, agent=agent, env=env, schedule=update)
    built = build_agent(changed)
    record = jax.jit(over_seeds(built.histories))
    history = jax.device_get(record(jax.random.split(jax.random.key(1), 1)))
    lanes = {
        field: np.swapaxes(getattr(history, field)[0], 0, 1)
        for field in ("reward", "trial_ended", "reset")
    }
    return trial_returns(lanes, count)


def summary(name: str, returns: np.ndarray) -> list[tuple[str, int, float, float]]:
    """Rows `(curve, trial, mean, half of a 95 % interval over learners or tasks)`.

    Args:
      name: of the curve.
      returns: [S, K] means of learners, or [N, K] of tasks.
    """
    error = 1.96 * returns.std(0, ddof=1) / np.sqrt(len(returns))
    if len(returns) < 10:  # learners: Student's t
        from scipy import stats

        error *= stats.t.ppf(0.975, len(returns) - 1) / 1.96
    rows = zip(returns.mean(0), error, strict=True)
    return [(name, i + 1, float(x), float(e)) for i, (x, e) in enumerate(rows)]


def draw(rows: list[tuple[str, int, float, float]], to: Path, title: str) -> None:
    """One picture of all curves."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.6), constrained_layout=True)
    for name in dict.fromkeys(row[0] for row in rows):
        trial, mean, error = np.array([r[1:] for r in rows if r[0] == name]).T
        axes.plot(trial, mean, label=name)
        axes.fill_between(trial, mean - error, mean + error, alpha=0.2, lw=0)
    axes.set(xlabel="trial", ylabel="return of a trial", title=title)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(to, dpi=110)


def main(run: str, to: str) -> None:
    """Writes into `to`, and prints the last trials of each curve."""
    folder, place = RunFolder.existing(run, "run"), Path(to)
    config = folder.load_config()
    found = trials.newest(folder)
    assert found is not None, f"{run} has no transfer evaluation"
    rows = []
    for control, name in (("none", "distilled"), ("cleared", "memory cleared")):
        returns = found.returns[SPLIT, control]
        alone = len(returns) == 1
        rows += summary(f"{name}", returns[0] if alone else returns.mean(1))
    rows += summary("its source", source_curve(config))
    place.mkdir(parents=True, exist_ok=True)
    head = ("curve", "trial", "return", "half_interval")
    told = [(n, t, f"{x:.5g}", f"{e:.5g}") for n, t, x, e in rows]
    files.write_csv(place / "curves.csv", [head, *told])
    draw(rows, place / "curves.png", f"{config.env.name}, held-out tasks")
    for name in dict.fromkeys(row[0] for row in rows):
        own = [row[2] for row in rows if row[0] == name]
        print(f"{name}: first {own[0]:.2f}, last ten of {len(own)}: "
              f"{np.mean(own[-10:]):.2f}")  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
