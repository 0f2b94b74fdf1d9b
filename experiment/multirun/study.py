"""Optuna's study: what it knows is kept in the folder, so that a search goes on.

Optuna is imported here alone, and only where it was asked for.
"""

import logging
import warnings
from typing import Any

NAME = "multirun"


def defaults(parent: str, *, in_turn: bool) -> list[str]:
    """Ours: returns are to be high, trials may fail, and the study is in the folder.

    Args:
      parent: the folder.
      in_turn: trials run one after another, so each is chosen by all before it.
    """
    return [
        *(["hydra.sweeper.n_jobs=1"] if in_turn else []),
        "hydra.sweeper.direction=maximize",
        "hydra.sweeper.max_failure_rate=1.0",
        f"hydra.sweeper.storage='sqlite:///{parent}/optuna.db'",
        f"hydra.sweeper.study_name={NAME}",
    ]


def go_on(storage: Any, name: Any, trials: int) -> int:
    """Puts trials that were cut short first in line again.

    The caller must be alone with the study.

    Returns:
      How many of so many trials are left to do: those that ended well count.
    """
    import optuna  # type: ignore[import-not-found]
    from optuna.exceptions import ExperimentalWarning  # type: ignore

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Of what failed we say more, at the end.
    logging.getLogger("hydra_plugins").setLevel(logging.ERROR)
    try:
        study = optuna.load_study(study_name=name, storage=storage)
    except KeyError:
        return trials
    states = optuna.trial.TrialState
    for trial in study.trials:
        if trial.state == states.RUNNING:
            study.tell(trial.number, state=states.FAIL)
            if trial.params:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ExperimentalWarning)
                    study.enqueue_trial(trial.params)
    done = sum(trial.state == states.COMPLETE for trial in study.trials)
    return max(0, trials - done)


def best(storage: Any, name: Any) -> str:
    """The trial that came out best, in words.

    Raises:
      ValueError: if none ended well.
    """
    import optuna  # type: ignore[import-not-found]

    found = optuna.load_study(study_name=name, storage=storage).best_trial
    chosen = " ".join(f"{key}={value}" for key, value in found.params.items())
    return f"{chosen}: {found.value:.4g}"
