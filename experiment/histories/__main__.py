"""Makes histories of learners: `python -m experiment.histories env=dark_room out=DIR`.

    count=1024     histories, each of a new learner on a task of the training split
    out=DIR        the folder, which must not be there yet
    seed=0         of all that is drawn

All other keys are train.py's with agent=distill: `agent.rollout_length` steps each, of
the source that `agent.source...` says, `agent.num_envs` at a time and in a file. To
learn from them: `python train.py agent=distill env=dark_room agent.histories=DIR`.
Exit status: 0 done; 2 bad input; 4 the machine failed; 128 + n stopped by signal n.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from pathlib import Path

from experiment.errors import InputError
from experiment.setup import cli, keys
from experiment.setup import config as run_config


def main(given: list[str]) -> int:
    """Exit status."""
    if not given or cli.wants(given, "--help", "-h"):
        print((__doc__ or "").strip())
        return 0
    given, count = cli.taken(given, "count")
    given, out = cli.taken(given, "out")
    given, cache = cli.taken(given, keys.CACHE)
    count = 1024 if count is None else count
    if type(count) is not int or not 1 <= count < 2**31:
        raise InputError(f"count must be a positive integer; got {count!r}.")
    if not isinstance(out, str) or not out.strip():
        raise InputError(f"out=DIR must say where histories go; got {out!r}.")
    path = Path(out)
    if path.exists():
        raise InputError(f"out={out} must not be there yet.")
    chosen = ["agent=distill", *given]
    config = run_config.load(cli.composed("train", chosen))
    if getattr(config.agent.options, "histories", "") is not None:
        raise InputError(
            "histories are made by agent=distill without agent.histories; got "
            f"agent={config.agent.name}."
        )
    # Only now, for importing JAX and gymnax takes seconds and errors should not.
    from experiment import compiled, importing

    compiled.keep(cache or "on")
    importing.light_gymnax()
    from experiment.histories.write import write
    from experiment.setup.building import build_agent

    write(build_agent(config), config, path, count)
    return 0


if __name__ == "__main__":
    sys.exit(entry.status_of(lambda: main(sys.argv[1:])))
