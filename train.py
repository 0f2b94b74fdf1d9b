"""Trains an agent: `python train.py env=memory_chain core=gru seed=1 num_seeds=4`.

`python train.py --help` lists what can be set; `resume=RUN_DIR` goes on with a run.
Exit status: 0 done; 2 bad input; 3 diverged; 4 the machine failed (a full disk, say);
128 + n stopped by signal n (INT, TERM, HUP, USR1), after saving. Of a multirun, the
worst of its jobs.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from collections.abc import Sequence
from functools import partial

from experiment.setup import cli, keys, sweep
from experiment.setup import config as run_config
from experiment.setup.help import train_help
from experiment.start import resume, start

FLAGS = ("--help", "-h", "--multirun", "-m")


def load(arguments: Sequence[str]) -> run_config.RunConfig:
    """The configuration that the arguments ask for, checked."""
    return run_config.load(cli.composed("train", arguments))


def main() -> int:
    """Exit status."""
    given = sys.argv[1:]
    arguments = [argument for argument in given if argument not in FLAGS]
    # No part of a run: a run folder from elsewhere must not say what code is loaded.
    arguments, cache = cli.taken(arguments, keys.CACHE)
    cache = cache or "on"
    if cli.wants(given, "--help", "-h"):
        print(train_help(load(arguments)))
        return 0
    if cli.wants(given, "--multirun", "-m"):
        return sweep.run_all(arguments, load, partial(start, cache=cache))
    if any(argument.startswith("resume=") for argument in arguments):
        return resume(cli.assignments(arguments), cache)
    return start(load(arguments), cache)


if __name__ == "__main__":
    sys.exit(entry.status_of(main))
