"""Jobs by Hydra's plugins: side by side, on a cluster, or chosen as results come in.

    python train.py -m launcher=joblib launcher.n_jobs=2 core=s5,gru seed=0,1
    python train.py -m launcher=submitit_slurm launcher.gpus_per_node=1 seed=range(0,8)
    python train.py -m sweeper=optuna sweeper.n_trials=20 \
        "agent.learning_rate=tag(log,interval(1e-4,1e-2))"

`launcher.KEY` is Hydra's `hydra.launcher.KEY`, and so with `sweeper`. What the plugins
launch is a job's number: Hydra's grammar sees no value of ours. Each job is a process
of its own (`experiment.multirun.task`). Nothing here imports JAX.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hydra import initialize
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException
from hydra.types import HydraContext, RunMode
from omegaconf.errors import OmegaConfBaseException

from experiment import entry, files, signals
from experiment.errors import OK, InputError
from experiment.multirun import study
from experiment.multirun.jobs import Jobs
from experiment.multirun.task import CHECKOUT, Task
from experiment.run.lock import LOCK, Lock
from experiment.setup import sweep

KINDS = ("launcher", "sweeper")
OPTUNA = "optuna"
_APP = "s5rl_job"
# Ours and not Hydra's are the folders, the logs and the names.
_QUIET = (
    *("hydra.output_subdir=null", "hydra.sweep.subdir=.", "hydra.job.chdir=false"),
    *("hydra/job_logging=none", "hydra/hydra_logging=none"),
)


class Asked(NamedTuple):
    """Which plugins, told what."""

    launcher: str | None
    sweeper: str | None
    options: list[str]  # hydra.launcher.n_jobs=2


def taken(argv: Sequence[str]) -> tuple[list[str], Asked | None]:
    """Arguments without those of plugins; and these, None where no plugin is asked for.

    Raises:
      InputError: for options without the name that they belong to.
    """
    rest, named, options = [], {}, []
    for argument in argv:
        key, _, text = argument.lstrip("+").partition("=")
        kind = key.partition(".")[0]
        if kind not in KINDS:
            rest.append(argument)
        elif key == kind:
            named[kind] = text
        else:
            options.append(f"hydra.{key}={text}")
    for option in options:
        kind = option.split(".")[1]
        if kind not in named:
            example = "joblib" if kind == "launcher" else "optuna"
            raise InputError(f"{option[6:]} needs {kind}=, as in {kind}={example}.")
    if named.get("sweeper", OPTUNA) != OPTUNA:
        raise InputError(f"sweeper must be {OPTUNA}; got {named['sweeper']}.")
    if not named:
        return rest, None
    return rest, Asked(named.get("launcher"), named.get("sweeper"), options)


def run_all(argv: Sequence[str], asked: Asked, beside: Sequence[str] = ()) -> int:
    """Has every job run; says at the end which did not end well, and how.

    Args:
      argv: a multirun's arguments, with `run_dir`.
      asked: the plugins.
      beside: further arguments for each job's process.

    Returns:
      The worst status.

    Raises:
      InputError: if a plugin is not there or refuses its options, another process uses
        the folder, or no job can run: what was wrong with the first one.
    """
    path, fixed, swept = sweep.asked(argv)
    parent = _parent(path)
    files.make_folder(Path(parent), f"run_dir {parent} cannot be made")
    task = Task(parent, tuple(beside))
    if asked.sweeper is not None and not swept:
        raise InputError(
            f"sweeper={asked.sweeper} needs something to choose, as in "
            '"agent.learning_rate=tag(log,interval(1e-4,1e-2))".'
        )
    config, context = _hydra(asked, parent)
    _findable()
    if asked.sweeper is None:
        launched = Jobs(task, _plugin("launcher", config, context, task))
        launched.all(sweep.jobs(argv))
        if len(launched.refused) == len(launched.ended):
            raise launched.refused[0]
    else:
        sweeper = _plugin("sweeper", config, context, task).sweeper
        launched = sweeper.launcher = Jobs(task, sweeper.launcher, fixed)
        _search(sweeper, [f"{key}={text}" for key, text in swept.items()], parent)
    status = sweep.told(launched.ended)
    good = sum(how == OK for how, _ in launched.ended.values())
    print(
        f"{good} of {len(launched.ended)} jobs ended well; the same command with "
        f"run_dir={path} goes on, python compare.py runs='{path}/*' compares them",
        flush=True,
    )
    return status


def _findable() -> None:
    """Lets processes that others start import us, whatever folder they start in."""
    paths = [str(CHECKOUT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(filter(None, paths)))


def _parent(path: str | None) -> str:
    """The folder of all jobs, as Hydra's grammar can say it, from anywhere."""
    assert path is not None, "a multirun has a folder"
    found = os.path.abspath(path)
    if not found.isprintable() or any(letter in found for letter in "$\\'\""):
        raise InputError(
            f"run_dir={path}: with launcher= or sweeper= it must hold no $, quotes or "
            "backslashes."
        )
    return found


def _hydra(asked: Asked, parent: str) -> tuple[Any, HydraContext]:
    """Hydra's configuration of the plugins, and what it hands to them.

    Raises:
      InputError: for a plugin or an option that is not there.
    """
    from hydra._internal.callbacks import Callbacks  # what hydra.main hands to plugins

    chosen = [
        f"hydra/{kind}={name}"
        for kind, name in zip(KINDS, (asked.launcher, asked.sweeper), strict=True)
        if name is not None
    ]
    if asked.sweeper == OPTUNA:
        chosen += study.defaults(parent, in_turn=asked.launcher is None)
    overrides = [*chosen, f"hydra.sweep.dir='{parent}'", *_QUIET, *asked.options]
    ConfigStore.instance().store(name=_APP, node={"job": None})
    with initialize(version_base="1.3", config_path=None, job_name="s5rl"):
        loader = GlobalHydra.instance().config_loader()
        try:
            config = loader.load_configuration(_APP, overrides, RunMode.MULTIRUN)
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(_missing(chosen, error)) from error
    HydraConfig.instance().set_config(config)
    return config, HydraContext(config_loader=loader, callbacks=Callbacks(config))


def _missing(chosen: Sequence[str], error: Exception) -> str:
    said = str(error).strip().replace("\n", " ")
    return (
        f"{chosen[0].removeprefix('hydra/')} cannot be had (pip install -e "
        f'".[sweeps]" has joblib, submitit and Optuna): {said}'
    )


def _plugin(kind: str, config: Any, context: HydraContext, task: Task) -> Any:
    try:
        make = getattr(Plugins.instance(), f"instantiate_{kind}")
        return make(hydra_context=context, task_function=task, config=config)
    except (ImportError, RuntimeError, HydraException) as error:
        raise InputError(_missing([f"hydra/{kind}"], error)) from error


def _search(sweeper: Any, swept: list[str], parent: str) -> None:
    """Has Optuna choose, from where an earlier search of this folder has stopped.

    Raises:
      InputError: if another process searches here.
    """
    lock = Lock(Path(parent) / LOCK)
    lock.take()
    with signals.at_end(lock.release):
        try:
            left = study.go_on(sweeper.storage, sweeper.study_name, sweeper.n_trials)
            print(f"{left} of {sweeper.n_trials} trials to do", flush=True)
            sweeper.n_trials = left
            sweeper.sweep(swept)
            print(f"best: {study.best(sweeper.storage, sweeper.study_name)}")
        except ValueError as error:  # Optuna's, of a best trial where none ended well
            print(f"the search: {entry.sentence(error)}", file=sys.stderr)
        finally:
            lock.release()
