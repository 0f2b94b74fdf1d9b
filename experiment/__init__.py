"""A run from the outside: configuration, folder, metrics, checkpoints, plots.

`experiment.load("runs/...")` gives a trained learner back, to act with."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from experiment.evaluate.load import Trained


def load(
    run: str, *, seed: int = 0, setting: int | None = None, trust: bool = False
) -> "Trained":
    """A learner of a run, as its newest good checkpoint has it.

    Args:
      run: the run's folder.
      seed: which of its learners, from 0.
      setting: which of its settings, if it has several (`sweep.`); None: the best.
      trust: let the run's configuration name code that is not your own.

    Raises:
      InputError: if there is no such run, learner or checkpoint, or it is not trusted.
    """
    # Only now: importing JAX takes seconds, and errors of a command line should not.
    from experiment.evaluate.load import load

    return load(run, seed=seed, setting=setting, trust=trust)
