"""Agents side by side in the worlds of hidden tasks: `python -m results.agents.worlds`.

python -m results.agents.worlds [env_agent ...]

Trains three learners of each that is named and not kept yet (dark_key_to_door_ppo, say;
what was begun goes on), evaluates their transfer, and keeps what came out in
results/agents/worlds/. Then puts the table into docs/in_context.md: the return of a
trial once adapted (the last quarter of those trained on), by split, the mean over
trials beyond the training horizon, and what it took.
"""

import json
import sys
from typing import Any

from results import common
from results.documents import put, table
from results.in_context.keep import keep

DOCUMENT = common.ROOT / "docs" / "in_context.md"
HERE = common.ROOT / "results"
WORLDS = "agents/worlds"
AGENTS = {"ppo": "PPO", "imitate": "imitate", "distill": "distill"}
# Of the table, in its order: (world, agent), and where its result is kept.
KEPT = {
    ("dark_room", "PPO"): f"{WORLDS}/dark_room_ppo",
    ("dark_room", "imitate, the expert plays at times"): "agents/imitate/dark_room",
    ("dark_room", "imitate, alone"): "agents/imitate/dark_room_alone",
    ("dark_room", "PPO from an imitator"): "agents/imitate/dark_room_then_ppo",
    ("dark_room", "distill"): f"{WORLDS}/dark_room_distill",
    **{
        (env, name): f"{WORLDS}/{env}_{agent}"
        for env in ("dark_key_to_door", "meta_tabular_mdp", "random_world")
        for agent, name in AGENTS.items()
    },
    ("meta_bandit", "PPO"): "in_context/meta_bandit_s5",
    ("meta_bandit", "imitate"): "agents/imitate/meta_bandit_drawn",
    ("meta_bandit", "distill"): f"{WORLDS}/meta_bandit_distill",
}
LEARNERS = 3
SPLITS = ("train", "held_out", "shifted")
HEADS = (
    *("world", "agent", "training tasks", "held out", "shifted"),
    *("held out, later trials", "random, expert", "steps", "seconds"),
)


def shown(found: Any) -> str:
    """A figure with its interval."""
    if not isinstance(found, list | tuple):
        return "" if found is None else f"{found:.3g}"
    mean, low, high = found
    return f"{mean:.3g} [{low:.3g}, {high:.3g}]" if low is not None else f"{mean:.3g}"


def lines() -> list[list[str]]:
    """Of the table."""
    rows = []
    for (env, agent), name in KEPT.items():
        path = HERE / name / "result.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text())
        splits, training = result["splits"], result["training"]
        levels = result["levels"]["held_out"]
        rows.append(
            [
                f"`{env}`",
                agent,
                *(shown(splits[split]["adapted"]) for split in SPLITS),
                shown(splits["held_out"]["beyond_training"]),
                f"{levels['random']:.3g}, {levels['expert']:.3g}",
                f"{training['env_steps'] / 1e6:.0f} M",
                f"{training['wall_seconds']:,.0f}",
            ]
        )
    return rows


TABLES = {"worlds": lambda: table(HEADS, lines())}


def trained(name: str) -> None:
    """Trains, evaluates and keeps `<env>_<agent>`, unless it is kept."""
    env, _, agent = name.rpartition("_")
    if agent not in AGENTS or f"{WORLDS}/{name}" not in KEPT.values():
        raise SystemExit(f"what to train is <env>_<agent> of the table; got {name}.")
    if (HERE / WORLDS / name / "result.json").exists():
        return
    folder = common.ROOT / "runs" / "worlds" / name
    common.trained(folder, [f"env={env}", f"agent={agent}", f"num_seeds={LEARNERS}"])
    common.transferred(folder)
    keep(folder, HERE / WORLDS / name)


def main() -> None:
    """Trains what is named, and writes the table."""
    for name in sys.argv[1:]:
        trained(name)
    put(DOCUMENT, "worlds", TABLES["worlds"]())


if __name__ == "__main__":
    main()
