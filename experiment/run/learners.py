"""How the learners of a run are told apart: in rows, and in words.

Within a program they are numbered through, settings first. In metrics.csv a learner of
a run with settings has its setting's number and values, and its seed within it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from experiment.setup.config import RunConfig
from experiment.setup.settings import Sweep

INDEX = ("env_steps", "update", "seed")  # of a row; what else it has are metrics
SETTING = "setting"


@dataclass(frozen=True)
class Learners:
    """`num_seeds` of each setting, or of the only one."""

    num_seeds: int = 1
    sweep: Sweep = field(default_factory=Sweep)

    @classmethod
    def of(cls, config: RunConfig) -> "Learners":
        """Those of a run."""
        return cls(config.schedule.num_seeds, config.sweep)

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands before metrics in a row of metrics.csv."""
        if not self.sweep:
            return INDEX
        return ("env_steps", "update", SETTING, "seed", *self.sweep.keys)

    def written(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row as metrics.csv has it, from one whose `seed` is a learner's number."""
        if not self.sweep:
            return dict(row)
        setting, seed = divmod(row["seed"], self.num_seeds)
        place = {SETTING: setting, "seed": seed, **self.sweep.settings[setting]}
        index = {name: place.get(name, row.get(name)) for name in self.columns}
        return {**index, **{k: v for k, v in row.items() if k not in INDEX}}

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The inverse."""
        if not self.sweep:
            return dict(row)
        learner = row[SETTING] * self.num_seeds + row["seed"]
        index = {**{name: row[name] for name in INDEX}, "seed": learner}
        return {**index, **{k: v for k, v in row.items() if k not in self.columns}}

    def rows_of(
        self, setting: int, rows: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Rows of one setting, as if it had been alone."""
        if not self.sweep:
            return [dict(row) for row in rows]
        first = setting * self.num_seeds
        return [
            {**row, "seed": row["seed"] - first}
            for row in rows
            if first <= row["seed"] < first + self.num_seeds
        ]

    def tag(self, learner: int) -> str:
        """What a curve of it is called behind its metric's name."""
        setting, seed = divmod(learner, self.num_seeds)
        each = f"/seed_{seed}" if self.num_seeds > 1 else ""
        return f"/setting_{setting}{each}" if self.sweep else each

    def named(self, learner: int) -> str:
        """In a sentence."""
        setting, seed = divmod(learner, self.num_seeds)
        if not self.sweep:
            return f"seed {learner}"
        return f"seed {seed} of setting {setting} ({self.sweep.said(setting)})"
