"""Makes histories of learners: `python -m experiment.histories env=dark_room out=DIR`.

    count=1024     histories, each of a new learner on a task of the training split
    out=DIR        the folder, which must not be there yet
    seed=0         of all that is drawn

All other keys are train.py's with agent=distill: `agent.rollout_length` steps each, of
the source that `agent.source...` says, `agent.num_envs` at a time and in a file. To
learn from them: `python train.py agent=distill env=dark_room agent.histories=DIR`.

With another agent (agent=ppo, say) the source is a learner of it, who trains for
total_steps in one task; keys are train.py's for that agent. Before every `every`-th
update it plays a rollout on the record:

    every=1        updates for each rollout of `agent.rollout_length` steps
    num_seeds=16   learners at a time, and in a file
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
    given, every = cli.taken(given, "every")
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
    every = _checked(config, every)
    # Only now, for importing JAX and gymnax takes seconds and errors should not.
    from experiment import compiled, importing

    compiled.keep(cache or "on")
    importing.light_gymnax()
    from experiment.histories.write import of_learners, of_tables, write
    from experiment.setup.building import build_agent

    agent = build_agent(config)
    if every is None:
        maker = of_tables(agent, config)
    elif not hasattr(agent.env, "again"):
        raise InputError(
            "a learner's history is of one hidden task; "
            f"{config.env.name} has no trials in one."
        )
    else:
        maker = of_learners(agent, config, every)
    write(maker, config, path, count)
    return 0


def _checked(config: run_config.RunConfig, every: object) -> int | None:
    """Updates for a rollout on the record; None of a source that has no updates."""
    if config.agent.name == "distill":
        if config.agent.options.histories is not None:
            raise InputError(
                "histories are made without agent.histories; got "
                f"{config.agent.options.histories}."
            )
        if every is not None:
            raise InputError(
                "every=K is of learners (agent=ppo, say); of agent=distill it is "
                f"agent.source_every. Got every={every}."
            )
        return None
    every = 1 if every is None else every
    if type(every) is not int or not 1 <= every <= config.num_updates:
        raise InputError(
            f"every must be an integer in [1, {config.num_updates}], the updates of a "
            f"learner; got {every!r}."
        )
    return every


if __name__ == "__main__":
    sys.exit(entry.status_of(lambda: main(sys.argv[1:])))
