"""From scalars on the device to rows in metrics.csv, TensorBoard and W&B.

An agent's metrics are scalars per update and seed. Over the updates of one log point,
`episode/count` and the other `episode/*` totals are summed (and then divided by the
count), `*_error` takes the largest, and everything else the mean. A row holds nothing
that depends on time or machine load, so equal runs have equal files.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Row = dict[str, Any]
INDEX = ("env_steps", "update", "seed")


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


def first_non_finite(
    updates: Sequence[Mapping[str, np.ndarray]],
) -> tuple[int, int, str] | None:
    """The first non-finite metric: `(index of the update, seed, name)`, if any.

    Metrics come in the order in which a bad value would spread, so the first one found
    is nearest to the cause.
    """
    for index, metrics in enumerate(updates):
        for name, values in metrics.items():
            bad = np.flatnonzero(~np.isfinite(values))
            if bad.size:
                return index, int(bad[0]), name
    return None


class MetricsFile:
    """metrics.csv: a row per log point and seed, appended as they come."""

    def __init__(self, path: Path):
        self.path = path

    def cut(self, last_update: int) -> None:
        """Drops rows after an update: what an interrupted run wrote and will redo.

        Lines are kept or dropped as they are, and a line that a kill cut short is
        dropped. The file is replaced at once, so that being killed here loses nothing.
        """
        if not self.path.exists():
            return
        header, *lines = self.path.read_text().splitlines() or [""]
        width, place = header.count(","), INDEX.index("update")
        kept = [
            line
            for line in lines
            if line.count(",") == width and int(line.split(",")[place]) <= last_update
        ]
        if not kept:
            self.path.unlink()
            return
        new = self.path.with_suffix(".new")
        new.write_text("".join(f"{line}\r\n" for line in (header, *kept)), newline="")
        new.replace(self.path)

    def append(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        new = not self.path.exists()
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            if new:
                writer.writeheader()
            writer.writerows([{k: _text(v) for k, v in row.items()} for row in rows])

    def read(self) -> list[Row]:
        """All rows; numbers as numbers, and None where nothing was measured."""
        if not self.path.exists():
            return []
        with self.path.open(newline="") as file:
            return [
                {k: _number(k, v) for k, v in row.items()}
                for row in csv.DictReader(file)
            ]


def make_rows(
    reduced: Mapping[str, np.ndarray], *, env_steps: int, update: int
) -> list[Row]:
    """One row per seed."""
    num_seeds = len(next(iter(reduced.values())))
    return [
        {
            "env_steps": env_steps,
            "update": update,
            "seed": seed,
            **{name: _scalar(values[seed]) for name, values in reduced.items()},
        }
        for seed in range(num_seeds)
    ]


class Boards:
    """TensorBoard always, W&B when asked for; one curve per seed."""

    def __init__(
        self, folder: Path, *, wandb: str, config: Mapping[str, Any], start: int
    ):
        from tensorboardX import SummaryWriter

        # Points of an interrupted run after its checkpoint are purged from the curves.
        # Points at `start` itself were drawn before the checkpoint and stay.
        purge_step = start + 1 if start else None
        self._writer = SummaryWriter(str(folder), purge_step=purge_step)
        self._wandb = None
        if wandb != "off":
            import wandb as client  # type: ignore[import-not-found]

            self._wandb = client.init(
                project="s5rl",
                name=folder.parent.name,
                dir=str(folder.parent),
                mode=wandb,  # type: ignore[arg-type]
                config=dict(config),
            )

    def write(self, rows: Sequence[Row], speed: float) -> None:
        """Draws one log point; `speed` in environment steps per second."""
        step = rows[0]["env_steps"]
        points = {"time/steps_per_second": speed}
        for row in rows:
            suffix = f"/seed_{row['seed']}" if len(rows) > 1 else ""
            points |= {
                f"{name}{suffix}": value
                for name, value in row.items()
                if name not in INDEX and value is not None
            }
        for name, value in points.items():
            self._writer.add_scalar(name, value, step)
        if self._wandb is not None:
            self._wandb.log(points, step=step)

    def close(self) -> None:
        self._writer.close()
        if self._wandb is not None:
            self._wandb.finish()


def _scalar(value: Any) -> int | float | None:
    value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value


def _text(value: Any) -> str:
    # repr of a float is the shortest text that reads back as the same float.
    return "" if value is None else repr(value)


def _number(name: str, text: str) -> int | float | None:
    if text == "":
        return None
    return int(text) if name in INDEX else float(text)
