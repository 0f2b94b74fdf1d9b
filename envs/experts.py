"""Who has an expert, what it does, and why others have none. Free of JAX.

The experts themselves are `best_actions` or `expert_action` of the environments
(`envs.contract.expert`); `envs.expert(name, params)` asks for one. `python -m
envs.experts` prints this table, which stands in docs/environments.md.
"""

from typing import NamedTuple


class Expert(NamedTuple):
    """One line of the table."""

    plays: str | None  # what it does; None: there is none
    note: str  # what it knows, or where it is not the best; or why there is none


_ALL = "knows all that is hidden"
_POLE = Expert(
    "a linear controller of the true state",
    "never falls from where episodes start; no claim elsewhere",
)
_BODY = Expert(None, "bodies have no closed form: train one alone (`transfer=true`)")
_LENS = Expert(
    None,
    "experts of the bare bodies, once trained, act through `envs.meta.lens.expert`",
)
_SUITE = Expert(None, "of another library, which gives no best play")

_CONSTANTS = Expert(
    None,
    "likewise, of bodies with the constants that they were built with: not the best",
)

# By the whole name, the family of a POPGym game, or the suite.
TABLE: dict[str, Expert] = {
    "memory_chain": Expert("the bit asked for, in the step that pays", _ALL),
    "t_maze": Expert(
        "straight to the junction, then to the goal's side",
        "knows the side, and so never fetches the cue",
    ),
    "meta_bandit": Expert("an arm of the highest rate", "knows the rates"),
    "meta_tabular_mdp": Expert(
        "value iteration over the steps left of the trial", "knows the MDP"
    ),
    "random_world": Expert(
        "every shortest way to the goal, then stays", "knows the map and the goal"
    ),
    "dark_room": Expert("every shortest way to the goal, then stays", "knows the goal"),
    "dark_key_to_door": Expert(
        "every shortest way to the key, then to the door", "knows both"
    ),
    "meta_cartpole": _POLE,
    "projected_control": _LENS,
    "projected_dmc": _LENS,
    "random_control": _CONSTANTS,
    "popgym_autoencode": Expert("the suit to recite", _ALL),
    "popgym_battleship": Expert(
        "any ship cell not asked for", "knows the board: never searches"
    ),
    "popgym_concentration": Expert(
        "a partner of the waiting card, else any card",
        "sees through their backs; with perfect memory only 0.82 / 0.82 / 0.70",
    ),
    "popgym_count_recall": Expert("the count", _ALL),
    "popgym_higher_lower": Expert(
        "the bet that wins, both before a tie",
        "sees the next card; the best without it earns 0.53 / 0.52 / 0.51",
    ),
    "popgym_labyrinth_escape": Expert(
        "every shortest way to the exit",
        "knows the maze; floods it at each call, which is slow",
    ),
    "popgym_labyrinth_explore": Expert(
        None, "the shortest walk over a whole maze is not worked out"
    ),
    "popgym_minesweeper": Expert(
        "any clear cell that is not open", "knows the mines: never deduces"
    ),
    "popgym_multiarmed_bandit": Expert("an arm of the highest rate", "knows the rates"),
    "popgym_noisy_position_only_cartpole": _POLE,
    "popgym_noisy_position_only_pendulum": Expert(
        None, "0.91 is a hand-made controller's: not known to be the best"
    ),
    "popgym_position_only_cartpole": _POLE,
    "popgym_position_only_pendulum": Expert(
        None, "likewise: 0.91 / 0.88 / 0.81 are a controller's"
    ),
    "popgym_repeat_first": Expert("the first suit", _ALL),
    "popgym_repeat_previous": Expert("the suit of k - 1 steps ago", _ALL),
    "popgym_velocity_only_cartpole": _POLE,
    "control/": _BODY,
    "gymnax/": _SUITE,
    "xland/": _SUITE,
    "navix/": _SUITE,
    "craftax/": _SUITE,
    "brax/": _SUITE,
    "playground/": _SUITE,
    "jumanji/": _SUITE,
    "jaxarc/": _SUITE,
    "gymnasium/": _SUITE,
    "custom": Expert(
        None, "yours, if your class has `best_actions` or `expert_action`"
    ),
}


def table() -> str:
    """The table in Markdown."""
    lines = ["| environment | its expert plays | |", "|---|---|---|"]
    for name, found in TABLE.items():
        shown = f"{name}..." if name.endswith("/") else name
        lines.append(f"| `{shown}` | {found.plays or 'none'} | {found.note} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
