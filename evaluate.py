"""Plays a run's learners in fresh episodes: `python evaluate.py run=RUN_DIR`.

    episodes=1000  seed=0  greedy=false    how many, which, how actions are chosen
    env.memory_length=200                  the run's environment, told otherwise

`transfer=true` measures adaptation instead, trial by trial, on every split of the tasks
of a meta-environment, with controls: tasks=256 trials=... swap_at=... seed=0
greedy=false; figures=svg,pdf draws for a column of a paper as well. Where tasks are on
several bodies, an agent is trained on each, once, to compare with:
expert_steps=2_000_000 (0: none), and experts=DIR for several runs.

`film=true` draws one learner as it plays instead, film.gif and sheet.png, trial by
trial in a meta-environment, and writes every step down: episodes=1 trials=... seed=0
greedy=false learner=0 (the best, if nothing is said) memory_norm=true (its memory's).

`memory=true` looks into memory instead: how long each state keeps and what it adds,
what can be read out step by step, what actions hang on (docs/inside.md): episodes=256
steps=256 seed=0 greedy=false.

`trust=true` lets a run's configuration name code that is not your own (an entry_point).

Prints what was found and writes it into the run's folder, under evaluations/. Exit
status: 0 done; 2 bad input; 4 the machine failed; 128 + n stopped by signal n.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from typing import Any

from experiment.errors import InputError
from experiment.run.run_folder import RunFolder
from experiment.setup import arguments, cli, keys, sections, trust
from experiment.setup.help import request_help
from experiment.setup.request import (
    FilmRequest,
    MemoryRequest,
    Request,
    TransferRequest,
)

# What is asked for by a flag, and how a key of its request is explained.
ASKED = {
    "transfer": (TransferRequest, "says how transfer is measured"),
    "film": (FilmRequest, "says how a film is made"),
    "memory": (MemoryRequest, "says how memory is looked into"),
}
# What stands beside a request's own keys.
BESIDE = ("run", "env", *ASKED, "trust", keys.CACHE)
FLAGS = ("--help", "-h")
KINDS = {
    f"without {', '.join(ASKED)}": Request,
    **{f"with {name}=true": kind for name, (kind, _) in ASKED.items()},
}
KEYS = tuple(
    dict.fromkeys((*BESIDE, *(key for kind in KINDS.values() for key in keys.of(kind))))
)  # fmt: skip


def evaluate(options: dict[str, Any]) -> None:
    """Checks the request, then plays."""
    env_overrides = options.pop("env", {})
    if "run" not in options:
        raise InputError("run=RUN_DIR must say which run to evaluate; it is missing.")
    run, trusted = str(options.pop("run")), options.pop("trust", False)
    cache = arguments.need_text(options, keys.CACHE) or "on"
    options.pop(keys.CACHE, None)
    kind = _kind(options)
    request = sections.typed(kind, options, also=BESIDE)
    folder = RunFolder.existing(run, "run")
    config = folder.load_config()
    trust.check(config, folder.path, trusted)
    env_choice = sections.override_env(config.env, env_overrides)
    # Only now, for importing JAX and gymnax takes seconds and errors should not.
    from experiment import compiled, importing

    compiled.keep(cache)
    importing.light_gymnax()
    if kind is FilmRequest:
        from experiment.evaluate import film as evaluation
    elif kind is TransferRequest:
        from experiment.evaluate import transfer as evaluation
    elif kind is MemoryRequest:
        from experiment.inside import look as evaluation
    else:
        from experiment.evaluate import episodes as evaluation
    evaluation.evaluate(folder, config, env_choice, request)


def _kind(options: dict[str, Any]) -> type:
    """What is asked for; takes its flag, and those that are off, out of the options."""
    wants = []
    for name in ASKED:
        wanted = options.pop(name, False)
        if not isinstance(wanted, bool):
            raise InputError(f"{name} must be true or false; got {wanted!r}.")
        wants += [name] if wanted else []
    if len(wants) > 1:
        both = " and ".join(f"{name}=true" for name in wants)
        number = "two" if len(wants) == 2 else "three"
        norm = "; a film says memory's norm with memory_norm=true"
        hint = norm if wants == ["film", "memory"] else ""
        raise InputError(f"{both} are {number} evaluations: ask one by one{hint}.")
    kind = ASKED[wants[0]][0] if wants else Request
    for key in options:
        if key in keys.of(kind):
            continue
        owners = [name for name, (its, _) in ASKED.items() if key in keys.of(its)]
        if owners:
            says = " and ".join(ASKED[name][1] for name in owners)
            flags = " or ".join(f"{name}=true" for name in owners)
            raise InputError(f"{key} {says}: set {flags}.")
    return kind


def main() -> int:
    """Exit status."""
    given = sys.argv[1:]
    if not given or cli.wants(given, "--help", "-h"):
        given = [argument for argument in given if argument not in FLAGS]
        cli.options(given, KEYS)
        print(f"{(__doc__ or '').strip()}\n\n{request_help(KINDS)}")
        return 0
    evaluate(cli.assignments(given, KEYS))
    return 0


if __name__ == "__main__":
    sys.exit(entry.status_of(main))
