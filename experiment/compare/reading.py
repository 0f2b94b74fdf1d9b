"""What a finished run's files say, checked: they may be damaged, or somebody's trap.

Nothing in them is executed or looked up, and what does not have the type and size that
`train.py` gives it is refused in a sentence.
"""

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envs.fields import shown
from experiment import files
from experiment.errors import InputError, told
from experiment.run.learners import Learners
from experiment.run.metrics import Row
from experiment.run.metrics_file import MetricsFile

MOST_ROWS = 2**31  # bytes of metrics.csv


def summary(path: Path) -> dict[str, Any]:
    """A run's summary.json.

    Raises:
      InputError: naming what is missing, or is of another kind.
    """
    content = files.mapping(path)
    for key, (wanted, fits) in _SUMMARY.items():
        if key not in content:
            raise InputError(f"{path} must hold {key}; it does not.")
        if not fits(content[key]):
            raise InputError(
                f"{path}: {key} must be {wanted}; got {shown(content[key])}."
            )
    for key in ("compile_seconds", "steps_per_second"):
        if content.get(key) is not None and not is_number(content[key]):
            raise InputError(
                f"{path}: {key} must be a number; got {shown(content[key])}."
            )
    return content


def is_number(value: Any) -> bool:
    """Finite, and no boolean."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and abs(value) < 2**1000 and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return is_number(value) and isinstance(value, int) and 0 < value < 2**63


def _are_returns(value: Any) -> bool:
    return (
        isinstance(value, list)
        and 0 < len(value) < 2**20
        and all(part is None or is_number(part) for part in value)
    )


_SUMMARY: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "env_steps": ("a positive integer", _is_count),
    "final_return_per_seed": ("a list of numbers", _are_returns),
    "wall_seconds": (
        "a number of at least 0",
        lambda value: is_number(value) and value >= 0,
    ),
    "num_parameters": ("a positive integer", _is_count),
}


def rows(path: Path, learners: Learners) -> Sequence[Row]:
    """The rows of metrics.csv, in which learners are named so.

    Raises:
      InputError: if they cannot be read, or have no learning curve.
    """
    try:
        with told(f"{path} cannot be read"):
            files.check_file(path, MOST_ROWS)
            found = MetricsFile(path, learners).read()
    except (ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
    needed = {"env_steps", "seed", "episode/return"}
    if not found or not all(needed <= row.keys() for row in (found[0], found[-1])):
        raise InputError(
            f"{path} must have rows of env_steps, seed and episode/return; it has none."
        )
    for row in found:
        values = [row["env_steps"], row["seed"], row["episode/return"] or 0]
        if None in values or not all(map(is_number, values)):
            raise InputError(
                f"{path} must hold finite numbers; got env_steps {row['env_steps']}, "
                f"seed {row['seed']}, return {row['episode/return']}."
            )
    return found
