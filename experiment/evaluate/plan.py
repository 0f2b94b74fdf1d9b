"""What a transfer evaluation plays, checked before anything is compiled."""

from dataclasses import dataclass
from pathlib import Path

import jax

import envs
from experiment.errors import InputError
from experiment.run.run_folder import RunFolder
from experiment.setup.config import RunConfig
from experiment.setup.request import TransferRequest


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
