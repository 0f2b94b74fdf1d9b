"""Which run is shown to be better than which, in what: differences and their intervals.

Learners of two runs have nothing to do with each other, so their intervals are Welch's,
over learners. Two single learners that met the same tasks are compared task by task.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from experiment.compare.compared import ComparedRun
from experiment.compare.comparison import TRAINING, splits_of
from experiment.compare.fairness import environment
from experiment.evaluate import words
from experiment.report import numbers
from experiment.report.page import Table
from experiment.report.statistics import difference_interval, mean_interval
from experiment.report.verdict import count, verdict

_COLUMNS = (
    *("what", "agent", "other", "difference", "low", "high", "over", "verdict"),
)  # fmt: skip
ABOVE, BELOW, NOT_SHOWN = "above", "below", "not shown"


def differences(runs: Sequence[ComparedRun]) -> Table:
    """A row per pair of runs on the same environment, and quantity of both."""
    rows = []
    for ours, theirs in combinations(runs, 2):
        if environment(ours) != environment(theirs):
            continue
        rest = dict(_quantities(theirs))
        for what, values in _quantities(ours):
            if what in rest:
                found = _difference(values, rest[what], _same_tasks(ours, theirs, what))
                rows.append((what, ours.label, theirs.label, *found))
    return Table(_COLUMNS, rows)


def short_differences(full: Table) -> Table:
    """`differences` for a page."""
    rows = []
    for what, ours, theirs, *interval, over, said in full.rows:
        shown = numbers.interval(*interval)  # type: ignore[arg-type]
        rows.append((f"{ours} - {theirs}", named(str(what)), shown, over, said))
    caption = (
        "Return of the first minus that of the second, with a 95% interval. Shown is "
        f"what an interval without 0 shows; of {len(rows)} such intervals about "
        f"{0.05 * len(rows):.2g} miss 0 by luck alone."
    )
    return Table(("runs", "of", "difference", "over", "shown"), rows, caption)


def named(what: str) -> str:
    """A quantity in words: `held-out tasks, adapted`."""
    if what == TRAINING:
        return "final return"
    split, _, part = what.rpartition(" ")
    return f"{words.split(split)}, {part.replace('_', '-')}"


def _quantities(run: ComparedRun) -> Iterator[tuple[str, np.ndarray]]:
    """Names and returns [S, N]; final returns have one task."""
    per_seed = run.summary["final_return_per_seed"]
    if None not in per_seed:
        yield TRAINING, np.array(per_seed, float)[:, None]
    if run.transfer is not None:
        for split in splits_of([run]):
            first, adapted = run.transfer.zero_shot(split), run.transfer.adapted(split)
            yield f"{split} zero_shot", first
            yield f"{split} adapted", adapted
            yield f"{split} gain", adapted - first


def _difference(ours: np.ndarray, theirs: np.ndarray, same_tasks: bool) -> tuple:
    """`(difference, low, high, over, verdict)` of [S, N] and [R, N]."""
    if len(ours) == len(theirs) == 1 and same_tasks:
        interval = mean_interval(ours[0] - theirs[0])
        over = f"{count(ours.shape[1], 'task')} of 1 learner each"
    else:
        interval = difference_interval(ours.mean(1), theirs.mean(1))
        over = f"{len(ours)} and {count(len(theirs), 'learner')}"
    said = verdict(*interval, over).choose(ABOVE, BELOW, NOT_SHOWN)
    return (*interval, over, said)


def _same_tasks(ours: ComparedRun, theirs: ComparedRun, what: str) -> bool:
    """Whether the evaluations drew the same: tasks are a function of seed and count."""
    if what == TRAINING or ours.transfer is None or theirs.transfer is None:
        return False
    one, other = ours.transfer, theirs.transfer
    split = what.rpartition(" ")[0]
    shapes = [x.returns[split, "none"].shape[1:] for x in (one, other)]
    return one.seed is not None and one.seed == other.seed and shapes[0] == shapes[1]
