"""PPO on the twelve bodies, option by option: `python -m results.control.study`.

python -m results.control.study [SETTING | TASK ...]

Trains what is not there yet, a run of three learners after another, and goes on where
it stopped: a row of results/control/study.csv is one learner of one setting on one
task. Runs themselves lie under runs/control/. First the base on the four tasks of
`SOME`, then the settings `WIDELY` on all twelve, then each other one on the four.
Names choose some of it.
Other work beside a run changes no number but the seconds, which are the processor's:
give it one thread of one core (`taskset -c 0`,
XLA_FLAGS=--xla_cpu_multi_thread_eigen=false).
"""

import json
import sys
from pathlib import Path

from envs.control.table import TABLE
from results import common

HERE = Path(__file__).parent
NUM_SEEDS, STEPS = 3, 3_000_000
# A memory of nothing: a body's state is seen whole. No bonus for entropy. All that a
# setting may change is said here, for what `env=control/...` has by itself may change.
BASE = (
    *("core=mlp", "agent.num_envs=64", "agent.rollout_length=128"),
    *("agent.learning_rate=1e-3", "agent.anneal_learning_rate=true"),
    *("agent.discount=0.97", "agent.normalize_obs=false", "agent.scale_rewards=false"),
    *("agent.value_loss=squared", "log_every=10", "checkpoint_every=100"),
)
OBS, REWARDS = "agent.normalize_obs=true", "agent.scale_rewards=true"
TWO_HOT, FAR = "agent.value_loss=two_hot", "agent.discount=0.99"
SETTINGS: dict[str, tuple[str, ...]] = {
    "base": (),
    "obs-rewards": (OBS, REWARDS),
    "obs-rewards-0.99": (OBS, REWARDS, FAR),
    "obs": (OBS,),
    "rewards": (REWARDS,),
    "two_hot": (TWO_HOT,),
    "symlog": ("agent.value_loss=symlog",),
    "0.99": (FAR,),
    "obs-two_hot-0.99": (OBS, TWO_HOT, FAR),
    "rewards-0.99": (REWARDS, FAR),
    "obs-0.99": (OBS, FAR),
    "obs-rewards-0.995": (OBS, REWARDS, "agent.discount=0.995"),
    "obs-rewards-3e-4": (OBS, REWARDS, "agent.learning_rate=3e-4"),
}
SOME = (*("cartpole_swingup", "reacher_easy", "pendulum_swingup", "cartpole_balance"),)
WIDELY = "obs-rewards", "0.99", "obs-rewards-0.99"  # on all twelve
CHOSEN = "obs-rewards-0.99"  # what `env=control/...` has by itself
FIELDS = ("setting", "task", "seed", "final_return", "env_steps", "cpu_seconds")


def rows() -> list[dict[str, str]]:
    """What is known already."""
    return common.read(HERE / "study.csv")


def trials() -> list[tuple[str, str]]:
    """(setting, task) of every run."""
    found = [("base", task) for task in SOME]
    found += [(setting, task) for setting in WIDELY for task in TABLE]
    found += [(setting, task) for setting in SETTINGS for task in SOME]
    return list(dict.fromkeys(found))


def arguments(setting: str) -> list[str]:
    """Of train.py: the base's, and in their place what a setting has of its own."""
    pairs = (text.partition("=") for text in (*BASE, *SETTINGS[setting]))
    return [f"{key}={value}" for key, value in {k: v for k, _, v in pairs}.items()]


def run(setting: str, task: str) -> list[dict[str, object]]:
    """Trains what is missing, and reads what came out: a row for each learner."""
    folder = common.ROOT / "runs" / "control" / f"{task}-{setting}"
    sizes = f"total_steps={STEPS}", f"num_seeds={NUM_SEEDS}"
    common.trained(folder, (f"env=control/{task}", *arguments(setting), *sizes))
    summary = json.loads((folder / "summary.json").read_text())
    shared = {
        "setting": setting,
        "task": task,
        "env_steps": summary["env_steps"],
        "cpu_seconds": (folder / "cpu_seconds.txt").read_text(),
    }
    return [
        {**shared, "seed": seed, "final_return": f"{value:.2f}"}
        for seed, value in enumerate(summary["final_return_per_seed"])
    ]


def main(*only: str) -> None:
    """Runs the study to its end, or what of it has these names."""
    path = HERE / "study.csv"
    for setting, task in trials():
        known = {(row["setting"], row["task"]) for row in rows()}
        chosen = not only or setting in only or task in only
        if (setting, task) in known or not chosen:
            continue
        try:
            new = run(setting, task)
        except FileNotFoundError:
            print(f"{setting} {task}: it did not come to its end", flush=True)
            continue
        common.append(path, FIELDS, new)
        print(setting, task, *(row["final_return"] for row in new), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
