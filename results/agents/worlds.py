"""Agents side by side in the worlds of hidden tasks: `python -m results.agents.worlds`.

Reads what is kept of transfer evaluations (`python -m results.in_context.keep RUN
results/agents/worlds/<env>_<agent>`) and puts the table into docs/in_context.md: the
return of a trial once adapted (the last quarter of those trained on), by split, the
mean over trials beyond the training horizon, and what it took.
"""

import json
from typing import Any

from results import common
from results.documents import put, table

DOCUMENT = common.ROOT / "docs" / "in_context.md"
HERE = common.ROOT / "results"
KEPT = {
    ("dark_room", "PPO"): "agents/worlds/dark_room_ppo",
    ("dark_room", "imitate, 15 % of trials by the expert"): "agents/imitate/dark_room",
    ("dark_room", "imitate, alone"): "agents/imitate/dark_room_alone",
    ("dark_room", "distill"): "agents/worlds/dark_room_distill",
    ("dark_key_to_door", "distill"): "agents/worlds/dark_key_to_door_distill",
    ("meta_tabular_mdp", "PPO"): "agents/worlds/meta_tabular_mdp_ppo",
    ("meta_tabular_mdp", "imitate"): "agents/imitate/meta_tabular_mdp",
    ("meta_bandit", "PPO"): "in_context/meta_bandit_s5",
    ("meta_bandit", "imitate"): "agents/imitate/meta_bandit_drawn",
}
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
        result = json.loads((HERE / name / "result.json").read_text())
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


if __name__ == "__main__":
    put(DOCUMENT, "worlds", TABLES["worlds"]())
