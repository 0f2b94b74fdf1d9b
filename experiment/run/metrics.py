"""From scalars on the device to rows, a log point and a seed each.

An agent's metrics are scalars per update and seed. Over the updates of one log point,
`episode/count` and the other `episode/*` totals are summed (and then divided by the
count), `*_error` takes the largest, and everything else the mean. A row holds nothing
that depends on time or machine load, so equal runs have equal files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]


def reduce_window(updates: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Reduces the metrics of several updates, each [S] over seeds, to one row a seed.

    Returns:
      [S] per name. Mean return and length are NaN where no episode ended.
    """
    stacked = {name: np.stack([u[name] for u in updates]) for name in updates[0]}
    count = stacked["episode/count"].sum(0)
    reduced = {}
    for name, values in stacked.items():
        if name == "episode/count":
            reduced[name] = count
        elif name.startswith("episode/"):
            total = values.astype(np.float64).sum(0)
            nothing = np.full_like(total, np.nan)
            reduced[name] = np.divide(total, count, out=nothing, where=count > 0)
        elif name.endswith("_error"):
            reduced[name] = values.max(0)
        else:
            reduced[name] = values.astype(np.float64).mean(0)
    return reduced


def non_finite(
    updates: Sequence[Mapping[str, np.ndarray]],
) -> dict[int, tuple[int, str]]:
    """The first non-finite metric of each seed that has one.

    Metrics come in the order in which a bad value would spread, so the first one found
    is nearest to the cause.

    Returns:
      `(index of the update, name)` by seed.
    """
    found: dict[int, tuple[int, str]] = {}
    for index, metrics in enumerate(updates):
        for name, values in metrics.items():
            for seed in np.flatnonzero(~np.isfinite(values)):
                found.setdefault(int(seed), (index, name))
    return found


def make_rows(
    reduced: Mapping[str, np.ndarray],
    *,
    env_steps: int,
    update: int,
    seeds: Sequence[int] | None = None,
) -> list[Row]:
    """One row per seed; `seeds` numbers them, where some are left out."""
    count = len(next(iter(reduced.values())))
    return [
        {
            "env_steps": env_steps,
            "update": update,
            "seed": seed,
            **{name: _scalar(values[place]) for name, values in reduced.items()},
        }
        for place, seed in enumerate(seeds or range(count))
    ]


def _scalar(value: Any) -> int | float | None:
    value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value
