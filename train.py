"""Trains an agent: `python train.py env=memory_chain core=gru seed=1 num_seeds=4`.

`python train.py --help` lists what can be set; `resume=RUN_DIR` goes on with a run.
Exit status: 0 done; 2 bad input; 3 diverged; 4 the machine failed (a full disk, say);
128 + n stopped by signal n (INT, TERM, HUP, USR1), after saving. Of a multirun
(--multirun, -m), the worst of its jobs.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from collections.abc import Callable, Sequence
from functools import partial

from experiment.errors import InputError
from experiment.multirun.going_on import left
from experiment.run import hosts
from experiment.setup import cli, distributed, keys, sweep
from experiment.setup import config as run_config
from experiment.setup.help import train_help
from experiment.start import resume, start

FLAGS = ("--help", "-h", "--multirun", "-m")


def load(arguments: Sequence[str]) -> run_config.RunConfig:
    """The configuration that the arguments ask for, checked."""
    return run_config.load(cli.composed("train", arguments))


def multirun(arguments: Sequence[str], cache: str) -> int:
    """Runs every combination of the values listed, here or where `launcher=` says."""
    from experiment.multirun import launch  # what only a multirun needs of Hydra

    arguments, asked = launch.taken(arguments)
    arguments = sweep.placed(arguments)
    if asked is None:
        return sweep.run_all(arguments, load, partial(once, cache=cache))
    return launch.run_all(arguments, asked, [f"{keys.CACHE}={cache}"])


def once(config: run_config.RunConfig, cache: str = "on") -> int:
    """Runs what is left of a job: all, the rest or nothing."""
    found = left(config, ())
    if found.said:
        print(found.said, flush=True)
    if found.arguments is None:
        return found.status
    if found.said:
        return resume(cli.assignments(found.arguments), cache)
    return start(config, cache)


def main() -> int:
    """Exit status."""
    given = sys.argv[1:]
    arguments = [argument for argument in given if argument not in FLAGS]
    # No part of a run: a run folder from elsewhere must not say what code is loaded.
    arguments, cache = cli.taken(arguments, keys.CACHE)
    cache = cache or "on"
    arguments, processes = distributed.taken(arguments)
    if cli.wants(given, "--help", "-h"):
        print(train_help(load(arguments)))
        return 0
    if cli.wants(given, "--multirun", "-m"):
        if processes is not None:
            raise InputError(
                f"--multirun makes several runs, and {distributed.KEY}= one of several "
                "processes: choose one of them."
            )
        return multirun(arguments, cache)
    for kind in ("launcher", "sweeper"):
        if cli.wants(arguments, kind):
            raise InputError(f"{kind}= needs --multirun, for it is of several runs.")
    work = _work(arguments, cache)
    return work() if processes is None else hosts.together(processes, work)


def _work(arguments: Sequence[str], cache: str) -> Callable[[], int]:
    """What is to be done, its arguments checked."""
    if any(argument.startswith("resume=") for argument in arguments):
        return partial(resume, cli.assignments(arguments), cache)
    return partial(start, load(arguments), cache)


if __name__ == "__main__":
    sys.exit(entry.status_of(main))
