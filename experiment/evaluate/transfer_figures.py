"""Figures of a transfer evaluation, from the returns of its trials."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from experiment.evaluate import trials
from experiment.report import statistics
from experiment.report.statistics import mean_interval, spread

Returns = Mapping[str, np.ndarray]  # control: [S, N, K] over learners, tasks, trials


class Body(NamedTuple):
    """One of several bodies that tasks are on."""

    tasks: np.ndarray  # [N] bool
    expert: float | None  # return of a trial, of an agent trained on it alone
    in_task: np.ndarray | None = None  # likewise in each of these tasks, [tasks]


def split(
    returns: Returns,
    levels: Mapping[str, Any],
    bodies: Mapping[str, Body],
    *,
    trained: int,
    swap_at: int,
) -> dict[str, Any]:
    """Everything that is said of one split.

    Args:
      returns: by control.
      levels: `random` and `expert` returns per trial, and `bodies`, the same of each.
      bodies: by name; empty where all tasks share one.
      trained: trials of a meta-episode while training.
      swap_at: the trial that "swapped" begins with wrong memory.

    Returns:
      Estimates as `[mean, low, high]`, what each control costs, the curves by control,
      and `bodies`: the figures of each. Intervals are over learners, or over tasks of a
      single learner; `over` says so. `spread` and `spreads` are what is drawn around
      the same means (`experiment.report.statistics.spread`).
    """
    returns = {name: values.astype(np.float64) for name, values in returns.items()}
    own = returns[trials.PLAIN]
    by_task = np.sort(own[:, :, trials.adapted(trained)].mean((0, 2)))
    return {
        **_figures(own, levels, trained),
        "worst_decile": float(by_task[: max(1, len(by_task) // 10)].mean()),
        "controls": {
            control: _loss(own[:, :, where], returns[control][:, :, where])
            for control, where in read_over(trained, swap_at).items()
        },
        "curves": {
            control: [_estimate(values[:, :, k]) for k in range(own.shape[2])]
            for control, values in returns.items()
        },
        "spreads": {
            control: [_spread(values[:, :, k]) for k in range(own.shape[2])]
            for control, values in returns.items()
        },
        "bodies": {
            name: _figures(own[:, body.tasks], levels["bodies"][name], trained)
            for name, body in bodies.items()
        },
    }


def read_over(trained: int, swap_at: int) -> dict[str, slice]:
    """The trials over which each control is compared with memory as it is."""
    return {
        "cleared": trials.adapted(trained),
        "swapped": slice(swap_at, swap_at + 1),
        "never_reset": slice(0, trained),
    }


def _figures(
    own: np.ndarray, levels: Mapping[str, Any], trained: int
) -> dict[str, Any]:
    """Of memory as it is: `own` [S, N, K]."""
    adapted, first = own[:, :, trials.adapted(trained)].mean(2), own[:, :, 0]
    last = own.shape[2] - max(1, own.shape[2] // 4)
    learners, tasks, _ = own.shape
    returns = {
        "zero_shot": first,
        "adapted": adapted,
        "beyond_training": own[:, :, last:].mean(2),
    }
    return {
        "num_learners": learners,
        "num_tasks": tasks,
        "over": "learners" if learners > 1 else "tasks",
        **{name: _estimate(values) for name, values in returns.items()},
        "spread": {name: _spread(values) for name, values in returns.items()},
        "per_learner": {
            name: values.mean(1).tolist() for name, values in returns.items()
        },
        "gain": _estimate(adapted - first),
        "normalised_zero_shot": _normalised(first.mean(), levels),
        "normalised_adapted": _normalised(adapted.mean(), levels),
        "normalised_in_task": _normalised(adapted.mean(), levels, "in_task"),
    }


def _estimate(values: np.ndarray) -> list[float | None]:
    """Mean and 95% interval of [S, N]: over learners, or over tasks of a single one."""
    return _interval(statistics.sample(values))


def _spread(values: np.ndarray) -> list[float | None]:
    """Low and high around the same mean, as they are drawn."""
    return statistics.known(spread(statistics.sample(values))[1:])


def _interval(sample: np.ndarray) -> list[float | None]:
    return statistics.known(mean_interval(sample))


def _loss(own: np.ndarray, control: np.ndarray) -> dict[str, Any]:
    """What a control costs: both saw the same learners on the same tasks.

    The two intervals answer two questions: whether other learners, trained likewise,
    would lose as well; and whether these would on other tasks.
    """
    paired = (own - control).mean(2)
    return {
        "own": float(own.mean()),
        "with_control": float(control.mean()),
        "loss": _estimate(paired),
        "loss_over_tasks": _interval(paired.mean(0)),
    }


def _normalised(
    value: np.ndarray, levels: Mapping[str, Any], one: str = "expert"
) -> float | None:
    """0 as random, 1 as the level that is named; None where that cannot be said."""
    found = trials.Levels(levels["random"], levels.get(one)).normalise(value)
    return None if found is None else float(found)
