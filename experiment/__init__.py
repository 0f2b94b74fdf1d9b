"""A run from the outside: configuration, folder, metrics, checkpoints, plots.

`experiment.train({...})` does what train.py does; `experiment.load("runs/...")` gives a
trained learner back, to act with. docs/python.md has whole programs.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiment.evaluate.load import Trained
    from experiment.in_python import Run
    from experiment.setup.config import RunConfig

# Functions import what they need when they are called: JAX takes seconds, and errors of
# a command line should not.


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
    from experiment.evaluate.load import load

    return load(run, seed=seed, setting=setting, trust=trust)


def train(
    config: "RunConfig | Mapping[str, Any] | Sequence[str]",
    *,
    compilation_cache: str = "on",
) -> "Run":
    """Trains as `python train.py` does, in a new run folder, and returns the run.

    Args:
      config: what train.py is told, as values by key (`{"env": "memory_chain",
        "agent.learning_rate": 3e-4}`) or as texts (`["env=memory_chain"]`); or a whole
        configuration, such as another run's.
      compilation_cache: "on", "off" or a folder, as the key of train.py. It is JAX's,
        and so of the whole process; the first call decides.

    Returns:
      `.path .config .status .summary .metrics`, and `.load(seed)` to act with it.

    Raises:
      InputError: for what train.py refuses with exit status 2, in the same sentence.
      MachineError: if something cannot be written (exit status 4).
      KeyboardInterrupt: after Ctrl-C, when it was saved; `resume` goes on.
    """
    from experiment.in_python import train

    return train(config, compilation_cache)


def resume(
    run: str,
    *,
    trust: bool = False,
    compilation_cache: str = "on",
    **options: Any,
) -> "Run":
    """Goes on with a run, as `python train.py resume=RUN_DIR` does.

    Args:
      run: its folder.
      trust: let the run's configuration name code that is not your own.
      compilation_cache: as in `train`.
      **options: what may change: total_steps, devices, wandb.

    Raises:
      InputError, MachineError, KeyboardInterrupt: as `train` does.
    """
    from experiment.in_python import resume

    return resume(str(run), options, trust, compilation_cache)
