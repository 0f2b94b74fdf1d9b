"""Several runs from one command line: `train.py --multirun core=s5,gru seed=0,1`.

Values are listed as Hydra lists them (`1,2`, `range(1,5)`, `choice(a,b)`); every
combination is a job. Jobs run one after another, and a job that is refused, diverges or
fails stops none of the others.
"""

import hashlib
import itertools
import re
import sys
import traceback
from collections.abc import Callable, Sequence
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


def jobs(argv: Sequence[str]) -> list[Job]:
    """Every combination of the values listed; `run_dir` holds a folder for each.

    Raises:
      InputError: for what cannot be read, or too many jobs.
    """
    parent, fixed, swept = None, [], {}
    for key, text in arguments.pairs(argv, cli.train_keys()):
        if key == "run_dir":
            parent = arguments.path(key, text)
        elif key == "resume":
            raise InputError("resume= goes on with one run: leave --multirun out.")
        elif key.startswith(f"{SWEEP}."):  # of one job, which lists them itself
            fixed.append(f"{key}={text}")
        else:
            values = _listed(key, text)
            swept.pop(key, None)  # the last of equal keys counts
            if len(values) == 1:
                fixed.append(values[0])
            else:
                swept[key] = values
    found = list(itertools.islice(itertools.product(*swept.values()), MOST_JOBS + 1))
    if len(found) > MOST_JOBS:
        raise InputError(f"--multirun makes more than {MOST_JOBS:,} jobs.")
    names = _names(found)
    place = [] if parent is None else [f"run_dir={parent}/"]
    return [
        Job(name, [*fixed, *job, *(f"{folder}{name}" for folder in place)])
        for name, job in zip(names, found, strict=True)
    ]


def _listed(key: str, text: str) -> list[str]:
    """`key=value` for each value listed; as it was written where there is only one."""
    if not re.search(r"[,(]", text):
        return [f"{key}={text}"]
    try:
        override = OverridesParser.create().parse_override(f"{key}={text}")
        if not override.is_sweep_override():
            return [f"{key}={text}"]
        found = list(itertools.islice(override.sweep_string_iterator(), MOST_JOBS + 1))
    except (HydraException, ValueError, TypeError) as error:
        raise InputError(f"{key}={text} cannot be read: {error}") from error
    return [f"{key}={value}" for value in found]


def _names(found: Sequence[Sequence[str]]) -> list[str]:
    """A folder's name for each job; never the same twice."""
    names: list[str] = []
    for number, job in enumerate(found):
        name = re.sub(r"[^\w.=+-]", "-", "+".join(job)) or str(number)
        if len(name) > 100:
            digest = hashlib.sha256(" ".join(job).encode()).hexdigest()[:8]
            name = f"{name[:90]}-{digest}"
        names.append(f"{name}-{number}" if name in names else name)
    return names


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
    loaded = [_tried(load, job) for job in found]
    if all(isinstance(config, InputError) for config in loaded):
        raise loaded[0]
    failed: dict[str, str] = {}
    worst = OK
    for number, (job, config) in enumerate(zip(found, loaded, strict=True)):
        print(f"job {number + 1} of {len(found)}: {job.name}", flush=True)
        status, said = _run(start, config)
        if status > SIGNAL:
            return status
        if status != OK:
            failed[job.name] = _WORDS.get(status, f"status {status}") + said
        worst = max(worst, status)
    if failed:
        print(f"{len(failed)} of {len(found)} jobs failed:", file=sys.stderr)
        for name, how in failed.items():
            print(f"  {name}: {how}", file=sys.stderr)
    return worst


def _tried(load: Callable[[Sequence[str]], Any], job: Job) -> Any:
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
            said.append(f": {entry.sentence(error)}")
            raise

    try:
        status = entry.status_of(job)
    except Exception:
        # Not ours to explain; but the other jobs are not to blame.
        traceback.print_exc()
        status = CRASHED
    return status, "".join(said)
