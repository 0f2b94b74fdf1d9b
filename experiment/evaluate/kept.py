"""What is kept of a transfer evaluation beside its trials, which are too many to keep.

`learners.csv`: the mean return over tasks, of each learner, control and trial; for each
body as well where there are several. From it follows every interval over learners.
`tasks.csv`: the mean over learners, of each task: what it paid, and what each control
cost; of bodies, what their experts earn in it. From it follow the intervals of losses
over tasks, and those of a single learner.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiment import files
from experiment.evaluate import trials
from experiment.evaluate.transfer_figures import Body, read_over

LEARNERS, TASKS = "learners.csv", "tasks.csv"
ALL = "all"  # what `body` says of the mean over all tasks
Played = Mapping[str, Mapping[str, np.ndarray]]  # [2, S, N, K] by split and control
Bodies = Mapping[str, Mapping[str, Body]]  # by split and name


def write(
    path: Path, played: Played, bodies: Bodies, *, trained: int, swap_at: int
) -> None:
    """Writes both files into the folder of an evaluation.

    Args:
      path: of the folder.
      played: returns and lengths.
      bodies: empty of a split whose tasks share one.
      trained: trials of a meta-episode while training.
      swap_at: the trial that "swapped" begins with wrong memory.
    """
    rows, by_task = [], []
    for split, controls in played.items():
        returns = {name: x[0].astype(np.float64) for name, x in controls.items()}
        rows += _learners(split, returns, bodies[split])
        by_task += _tasks(split, returns, bodies[split], trained, swap_at)
    columns = ("split", "body", "control", "trial", "learner", "return")
    files.write_csv(path / LEARNERS, [columns, *rows])
    costs = [f"loss_{control}" for control in read_over(trained, swap_at)]
    columns = ("split", "body", "task", "zero_shot", "adapted", *costs)
    if in_task := _in_task(bodies):
        columns = (*columns, "expert_in_task")
        by_task = [(*row, x) for row, x in zip(by_task, in_task, strict=True)]
    files.write_csv(path / TASKS, [columns, *by_task])


def _learners(
    split: str, returns: Mapping[str, np.ndarray], bodies: Mapping[str, Body]
) -> list[tuple]:
    every = np.ones(returns[trials.PLAIN].shape[1], bool)
    groups = {ALL: every, **{name: body.tasks for name, body in bodies.items()}}
    return [
        (split, body, control, trial + 1, learner, _digits(value))
        for body, tasks in groups.items()
        for control, values in returns.items()
        for (trial, learner), value in np.ndenumerate(values[:, tasks].mean(1).T)
    ]


def _tasks(
    split: str,
    returns: Mapping[str, np.ndarray],
    bodies: Mapping[str, Body],
    trained: int,
    swap_at: int,
) -> list[tuple]:
    own = returns[trials.PLAIN]
    columns = [own[:, :, 0].mean(0), own[:, :, trials.adapted(trained)].mean((0, 2))]
    for control, where in read_over(trained, swap_at).items():
        loss = own[:, :, where] - returns[control][:, :, where]
        columns.append(loss.mean((0, 2)))
    names = np.full(own.shape[1], ALL, object)
    for name, body in bodies.items():
        names[body.tasks] = name
    return [
        (split, names[task], task, *map(_digits, values))
        for task, values in enumerate(np.stack(columns, 1))
    ]


def _in_task(bodies: Bodies) -> list[str]:
    """What experts earn in each task, split by split; nothing if it is not known."""
    found = []
    for every in bodies.values():
        parts = [(body.tasks, body.in_task) for body in every.values()]
        if not parts or any(value is None for _, value in parts):
            return []
        levels = np.zeros(len(parts[0][0]))
        for tasks, value in parts:
            levels[tasks] = value
        found += map(_digits, levels)
    return found


def _digits(value: float) -> str:
    """Seven digits: an interval a hundredth of the return wide keeps five."""
    return f"{value + 0.0:.7g}"
