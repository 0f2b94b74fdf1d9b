"""Saving and restoring everything that changes, with Orbax."""

import logging
from pathlib import Path
from typing import Any

import orbax.checkpoint as ocp

from experiment.errors import InputError

# Orbax narrates every save; what goes wrong it raises as well.
logging.getLogger("absl").setLevel(logging.CRITICAL)

KEPT = 2  # the newest, and one to fall back on


class Checkpoints:
    """The learners of all seeds by number of updates, newest last."""

    def __init__(self, folder: Path):
        self._folder = folder.resolve()
        options = ocp.CheckpointManagerOptions(
            max_to_keep=KEPT, enable_async_checkpointing=False
        )
        self._manager = ocp.CheckpointManager(self._folder, options=options)

    def save(self, update: int, learners: Any) -> None:
        """Writes a checkpoint; a half-written one is never taken for whole."""
        if update not in self._manager.all_steps():
            self._manager.save(update, args=ocp.args.StandardSave(learners))

    def restore(self, like: Any) -> tuple[int, Any]:
        """Reads the newest checkpoint.

        Args:
          like: learners as shapes and types (`jax.eval_shape`).

        Returns:
          `(update, learners)`.

        Raises:
          InputError: if there is none, or it is damaged or of another configuration.
        """
        update = self._manager.latest_step()
        if update is None:
            raise InputError(
                f"no checkpoint in {self._folder}: the run stopped before its first; "
                "delete its folder to start again."
            )
        try:
            args = ocp.args.StandardRestore(like)
            return update, self._manager.restore(update, args=args)
        except (
            Exception
        ) as error:  # Orbax raises a dozen kinds, all of them meaning this
            reason = str(error).strip().split("\n")[0][:200]
            raise InputError(
                f"checkpoint {self._folder / str(update)} cannot be read: it is "
                f"damaged or of another configuration "
                f"({type(error).__name__}: {reason})."
            ) from error

    def close(self) -> None:
        self._manager.close()

    @property
    def steps(self) -> list[int]:
        """Numbers of updates of the checkpoints there are, in order."""
        return sorted(self._manager.all_steps())
