"""W&B, when asked for: curves, groups, a run for each learner, and the run's folder."""

from collections.abc import Sequence
from typing import Any

from experiment.run.boards import points
from experiment.run.learners import Learners
from experiment.run.metrics import Row
from experiment.run.run_folder import RunFolder
from experiment.setup import config as run_config
from experiment.setup.config import RunConfig

PROJECT = "s5rl"
# Of a run's folder, what another computer evaluates it with, or goes on from.
STORED = (
    *("config.yaml", "manifest.json", "metrics.csv", "clock.csv", "summary.json"),
    *("learning_curve.png", "settings.csv", "settings.png", "halving.json"),
    *("checkpoints", "diverged"),
)


class WeightsAndBiases:
    """The runs at W&B that a run of ours is told to: one, or one for each learner."""

    def __init__(self, folder: RunFolder, config: RunConfig):
        """Begins them.

        Args:
          folder: of the run, by whose name they go.
          config: of the run, in which `wandb` is not off.
        """
        import wandb  # type: ignore[import-not-found]

        schedule, name = config.schedule, folder.path.name
        self._client, self._learners = wandb, Learners.of(config)
        told = {
            "project": PROJECT,
            "group": schedule.wandb_group,
            "dir": str(folder.path),
            "mode": schedule.wandb,
        }
        self._runs: dict[int | None, Any] = {}
        if not schedule.wandb_per_seed:
            whole = run_config.dump(config)
            self._runs[None] = wandb.init(name=name, config=whole, **told)
            return
        told |= {"group": schedule.wandb_group or name, "reinit": "create_new"}
        for learner in range(config.num_learners):
            setting, seed = divmod(learner, schedule.num_seeds)
            own = run_config.dump(config.alone(setting)) | {"learner": seed}
            called = f"{name}{self._learners.tag(learner).replace('/', '-')}"
            self._runs[learner] = wandb.init(name=called, config=own, **told)

    def write(self, rows: Sequence[Row], speed: float) -> None:
        """Sends one log point; `speed` in environment steps of all seeds per second."""
        step = rows[0]["env_steps"]
        if None in self._runs:
            self._runs[None].log(points(rows, speed, self._learners), step=step)
            return
        for row in rows:
            self._runs[row["seed"]].log(points([row], speed), step=step)

    def store(self, folder: RunFolder) -> None:
        """Sends what is in a complete run's folder, which can be evaluated anywhere."""
        stored = self._client.Artifact(folder.path.name, type="run")
        for name in STORED:
            path = folder.path / name
            if path.is_dir():
                stored.add_dir(str(path), name=name)
            elif path.exists():
                stored.add_file(str(path), name=name)
        next(iter(self._runs.values())).log_artifact(stored)

    def close(self) -> None:
        """Ends them."""
        for run in self._runs.values():
            run.finish()
