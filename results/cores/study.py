"""Every memory on the same tasks, at equal parameters: `python -m results.cores.study`.

python -m results.cores.study memory_chain_64 [core ...]

Trains what is not there yet, a run after another, and goes on where it stopped: a row
of results/cores/<study>.csv is one learner of one setting of one core. Runs themselves
lie under runs/cores/. Widths are chosen so that the whole agent has as many parameters
as the S5 agent, within 10 %. The same settings are tried in the same order for every
core, until one solves the task (a mean of ENOUGH); of those tried the best mean counts.
A study that follows another takes each core's best setting from it. Seconds are of the
processor, so that other work beside a run does not count: give it one thread of one
core (`taskset -c 1`, XLA_FLAGS=--xla_cpu_multi_thread_eigen=false).
"""

import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import s5rl
from benchmarks.width import matched, parameters
from results import common

HERE = Path(__file__).parent
NUM_SEEDS = 3
# Which of a core's settings are tried: the learning rate decides most.
RATES = {"slow": "agent.learning_rate=5e-4", "fast": "agent.learning_rate=2e-3"}
ENOUGH = 0.95
# Rows' own options, before which stands the core's name: the first lets it have a width
# at which its parameters are near enough, the others ask what the reach depends on.
OWN = {
    "mamba2": ("core.head_size=8",),
    "s5-slower": ("core.dt_min=3e-6", "core.dt_max=1e-3"),
    "s5-s4d_lin": ("core.init=s4d_lin",),
    "s5-s4d_lin-slower": (
        *("core.init=s4d_lin", "core.dt_min=3e-6"),
        "core.dt_max=1e-3",
    ),
}
FIELDS = (
    *("core", "setting", "seed", "features", "parameters", "final_return"),
    *("env_steps", "cpu_seconds", "compile_seconds"),
)


@dataclass(frozen=True)
class Study:
    """One task, for every core."""

    arguments: tuple[str, ...]  # of train.py
    cores: tuple[str, ...] | None = None  # None: all
    settings: tuple[str, ...] = ("slow", "fast")  # of RATES, tried each
    after: str = ""  # the study whose best setting each core takes
    best: int = 0  # how many of that study's best cores; 0 takes all


CHAIN = "env=memory_chain"
USED = (
    *("s5", "lru", "mingru", "mamba", "rglru", "ffm", "gated_deltanet", "mlstm"),
    *("window_attention", "gtrxl", "gru", "lstm"),
)
# In the first three an answer changes nothing but its own reward.
ANSWERS = ("agent.discount=0.0", "agent.gae_lambda=0.0")
GAMES = {
    "repeat_previous_medium": ("agent.rollout_length=104", *ANSWERS),
    "autoencode_easy": ("agent.rollout_length=104", *ANSWERS),
    "count_recall_easy": ("agent.rollout_length=104", *ANSWERS),
    "noisy_position_only_cartpole_medium": (),
}
STUDIES = {
    "memory_chain_64": Study((CHAIN, "env.memory_length=64", "total_steps=400_000")),
    "memory_chain_256": Study(
        (CHAIN, "env.memory_length=256", "total_steps=600_000"),
        after="memory_chain_64",
    ),
    "memory_chain_1024": Study(
        (CHAIN, "env.memory_length=1024", "total_steps=4_000_000"),
        after="memory_chain_256",
        best=8,
    ),
    "t_maze": Study(
        ("env=t_maze", "total_steps=1_000_000"),
        (
            *("s5", "gru", "lstm", "slstm", "mingru", "minlstm", "rglru", "lru"),
            *("mlstm", "gated_deltanet", "mamba", "window_attention", "mlp"),
            *("s5-slower", "s5-s4d_lin", "s5-s4d_lin-slower"),
        ),
        settings=("slow",),
    ),
    **{
        game: Study(
            (f"env=popgym_{game}", "env.history=true", "total_steps=1_000_000", *own),
            USED,
            settings=("fast",),
        )
        for game, own in GAMES.items()
    },
}


def rows_of(study: str) -> list[dict[str, str]]:
    """What is known already."""
    return common.read(HERE / f"{study}.csv")


def is_open(rows: list[dict[str, str]], core: str, setting: str) -> bool:
    """Whether a setting is to be tried: not yet, and no other has solved the task."""
    if any((row["core"], row["setting"]) == (core, setting) for row in rows):
        return False
    found = best_settings(rows)
    return core not in found or found[core][1] < ENOUGH


def best_settings(rows: list[dict[str, str]]) -> dict[str, tuple[str, float]]:
    """Each core's setting of the largest mean return, and that mean."""
    returns: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        key = row["core"], row["setting"]
        returns.setdefault(key, []).append(float(row["final_return"]))
    found: dict[str, tuple[str, float]] = {}
    for (core, setting), values in returns.items():
        # Exactly: Python 3.12's sum rounds otherwise than 3.11's, and ties would turn.
        mean = math.fsum(values) / len(values)
        if core not in found or mean > found[core][1]:
            found[core] = setting, mean
    return found


def trials(name: str) -> list[tuple[str, str]]:
    """(core, setting) of every run that a study needs."""
    study = STUDIES[name]
    cores = study.cores or s5rl.core_names()
    if not study.after:
        return [(core, setting) for setting in study.settings for core in cores]
    earlier = best_settings(rows_of(study.after))
    ranked = sorted(earlier, key=lambda core: -earlier[core][1])
    chosen = set(ranked[: study.best or None])
    return [(core, earlier[core][0]) for core in cores if core in chosen]


def chosen_core(row: str) -> tuple[str, ...]:
    """Arguments of train.py for a row: a core's name, with or without a suffix."""
    return f"core={row.partition('-')[0]}", *OWN.get(row, ())


def matched_features(core: str, arguments: tuple[str, ...]) -> int:
    """The width at which a core has the S5 agent's parameters.

    A multiple of eight if one is near enough, else of four.

    Raises:
      ValueError: if none is.
    """
    target = parameters((*arguments, "core=s5"))

    def count(features: int) -> int:
        chosen = *chosen_core(core), f"core.features={features}"
        return parameters((*arguments, *chosen))

    return matched(core, target, count)


def run(name: str, core: str, setting: str) -> list[dict[str, object]]:
    """Trains what is missing, and reads what came out: a row for each learner."""
    arguments = STUDIES[name].arguments
    features = matched_features(core, arguments)
    folder = common.ROOT / "runs" / "cores" / name / f"{core}-{setting}"
    chosen = *chosen_core(core), f"core.features={features}", RATES[setting]
    common.trained(folder, (*arguments, *chosen, f"num_seeds={NUM_SEEDS}"))
    summary = json.loads((folder / "summary.json").read_text())
    shared = {
        "core": core,
        "setting": setting,
        "features": features,
        "parameters": summary["num_parameters"],
        "env_steps": summary["env_steps"],
        "cpu_seconds": (folder / "cpu_seconds.txt").read_text(),
        "compile_seconds": f"{summary['compile_seconds']:.1f}",
    }
    return [
        {**shared, "seed": seed, "final_return": f"{value:.4f}"}
        for seed, value in enumerate(summary["final_return_per_seed"])
    ]


def main(name: str, *only: str) -> None:
    """Runs a study to its end."""
    path = HERE / f"{name}.csv"
    for core, setting in trials(name):
        if not is_open(rows_of(name), core, setting) or (only and core not in only):
            continue
        try:
            rows = run(name, core, setting)
        except FileNotFoundError:
            print(f"{name} {core} {setting}: it did not come to its end")
            continue
        common.append(path, FIELDS, rows)
        print(name, core, setting, *(row["final_return"] for row in rows), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
