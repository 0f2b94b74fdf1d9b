"""Several runs from one command line: `train.py --multirun core=s5,gru seed=0,1`.

Values are listed as Hydra lists them (`1,2`, `range(1,5)`, `choice(a,b)`); every
combination is a job. Here jobs run one after another (`experiment.multirun.launch` has
other ways), and a job that is refused, diverges or fails stops none of the others.
"""

import hashlib
import itertools
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from experiment import entry
from experiment.errors import OK, SIGNAL, InputError
from experiment.setup import arguments, cli
from experiment.setup.settings import SWEEP

MOST_JOBS = 10_000
CRASHED = 1  # what Python exits with after an error that is nobody's sentence
_WORDS = {CRASHED: "failed", 2: "bad input", 3: "diverged", 4: "the machine failed"}


class Job(NamedTuple):
    """One combination."""

    name: str  # of its folder: what it has that others have not
    arguments: list[str]


def placed(argv: Sequence[str]) -> list[str]:
    """Arguments with a folder for all jobs, a new one where none was named."""
    if any(key == "run_dir" for key, _ in arguments.pairs(argv, cli.train_keys())):
        return list(argv)
    name = f"multirun-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    return [*argv, f"run_dir=runs/{name}"]


class Asked(NamedTuple):
    """A command line, taken apart."""

    parent: str | None  # the folder that holds those of all jobs
    fixed: list[str]  # arguments that all jobs have
    swept: dict[str, str]  # what is written behind each key that has several values


def asked(argv: Sequence[str]) -> Asked:
    """Takes a multirun's arguments apart.

    Raises:
      InputError: for what cannot be read.
    """
    parent, fixed, swept = None, {}, {}
    for key, text in arguments.pairs(argv, cli.train_keys()):
        if key == "run_dir":
            parent = arguments.path(key, text)
        elif key == "resume":
            raise InputError("resume= goes on with one run: leave --multirun out.")
        elif key.startswith(f"{SWEEP}."):  # of one job, which lists them itself
            fixed[key] = text
        else:
            for found in (fixed, swept):
                found.pop(key, None)  # the last of equal keys counts
            (swept if _override(key, text) else fixed)[key] = text
    return Asked(parent, [f"{key}={text}" for key, text in fixed.items()], swept)


def jobs(argv: Sequence[str]) -> list[Job]:
    """Every combination of the values listed; `run_dir` holds a folder for each.

    Raises:
      InputError: for what cannot be read, or too many jobs.
    """
    parent, fixed, swept = asked(argv)
    listed = [_listed(key, text) for key, text in swept.items()]
    found = list(itertools.islice(itertools.product(*listed), MOST_JOBS + 1))
    if len(found) > MOST_JOBS:
        raise InputError(f"--multirun makes more than {MOST_JOBS:,} jobs.")
    names = _names(found)
    return [
        job(name, parent, fixed, own) for name, own in zip(names, found, strict=True)
    ]


def job(name: str, parent: str | None, fixed: Sequence[str], own: Sequence[str]) -> Job:
    """One, of the arguments that all have and its own."""
    place = [] if parent is None else [f"run_dir={parent}/{name}"]
    return Job(name, [*fixed, *own, *place])


def _override(key: str, text: str) -> Any:
    """What Hydra reads, where several values are listed; else None."""
    if not re.search(r"[,(]", text):
        return None
    try:
        override = OverridesParser.create().parse_override(f"{key}={text}")
    except (HydraException, ValueError, TypeError) as error:
        raise InputError(f"{key}={text} cannot be read: {error}") from error
    return override if override.is_sweep_override() else None


def _listed(key: str, text: str) -> list[str]:
    """`key=value` for each value listed."""
    try:
        values = _override(key, text).sweep_string_iterator()
        found = list(itertools.islice(values, MOST_JOBS + 1))
    except (HydraException, ValueError, TypeError) as error:
        raise InputError(f"{key}={text} cannot be read: {error}") from error
    return [f"{key}={value}" for value in found]


def _names(found: Sequence[Sequence[str]]) -> list[str]:
    """A folder's name for each job; never the same twice."""
    names: list[str] = []
    for number, own in enumerate(found):
        name = name_of(own) or str(number)
        names.append(f"{name}-{number}" if name in names else name)
    return names


def name_of(own: Sequence[str]) -> str:
    """The same for the same arguments, and one that a file may have."""
    name = re.sub(r"[^\w.=+-]", "-", "+".join(own))
    if len(name) > 100:
        digest = hashlib.sha256(" ".join(own).encode()).hexdigest()[:8]
        name = f"{name[:90]}-{digest}"
    return name


def run_all(
    argv: Sequence[str],
    load: Callable[[Sequence[str]], Any],
    start: Callable[[Any], int],
) -> int:
    """Runs every job; says at the end which did not end well, and how.

    Args:
      argv: arguments, without `--multirun`.
      load: from a job's arguments to its configuration; all are loaded before one runs.
      start: runs one; returns its exit status.

    Returns:
      The worst status; of a signal's at once.

    Raises:
      InputError: if no job can run: what was wrong with the first one.
    """
    found = jobs(argv)
    loaded = [tried(load, job) for job in found]
    if all(isinstance(config, InputError) for config in loaded):
        raise loaded[0]
    ended: dict[str, tuple[int, str]] = {}
    for number, (job, config) in enumerate(zip(found, loaded, strict=True)):
        print(f"job {number + 1} of {len(found)}: {job.name}", flush=True)
        status, said = _run(start, config)
        if status > SIGNAL:
            return status
        ended[job.name] = status, said
    return told(ended)


def told(ended: Mapping[str, tuple[int, str]]) -> int:
    """Says which jobs did not end well, and how; returns the worst status.

    Args:
      ended: of each job by name, its status and what it said.
    """
    failed = {name: how for name, how in ended.items() if how[0] != OK}
    if failed:
        print(f"{len(failed)} of {len(ended)} jobs failed:", file=sys.stderr)
    for name, (status, said) in failed.items():
        how = _WORDS.get(status, f"status {status}")
        print(f"  {name}: {how}{f': {said}' if said else ''}", file=sys.stderr)
    return max((status for status, _ in ended.values()), default=OK)


def tried(load: Callable[[Sequence[str]], Any], job: Job) -> Any:
    """The job's configuration, or why it has none."""
    try:
        return load(job.arguments)
    except InputError as error:
        return error


def _run(start: Callable[[Any], int], config: Any) -> tuple[int, str]:
    """A job's status, and the sentence that it ended with, where it ended with one."""
    said: list[str] = []

    def job() -> int:
        try:
            if isinstance(config, InputError):
                raise config
            return start(config)
        except Exception as error:
            said.append(entry.sentence(error))
            raise

    try:
        status = entry.status_of(job)
    except Exception:
        # Not ours to explain; but the other jobs are not to blame.
        traceback.print_exc()
        status = CRASHED
    return status, "".join(said)
