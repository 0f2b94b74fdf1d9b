"""Chance and best of the games with parameters of one's own. Free of JAX.

What a game with its difficulty's arguments earns stands in `table`. With others, rules
give it for some: cards and arms in closed form, a pole by how long it stays up.
"""

from collections.abc import Callable, Mapping
from typing import Any

from envs.config import PopgymConfig
from envs.popgym.table import ALIASES, TABLE
from envs.scale import Levels, changed, pole_steps

Params = Mapping[str, Any]
# What is seen, and not what is earned.
_SEEN = {"previous_action", "sigma", "first_obs", "centered_view"}
_TYPES = {"colors": 2, "suits": 4, "ranks": 13}  # of cards


def levels(config: PopgymConfig) -> Levels:
    """Chance and best; None where a parameter changes them, and no rule says how."""
    entry = TABLE[config.id]
    params = {k: v for k, v in config.params.items() if k not in _SEEN}
    other = changed(params, {"popgym_version": "1.0.7"} | entry.arguments)
    arguments = _earned(entry.arguments | other)
    for like in TABLE.values():
        if like.path == entry.path and _earned(like.arguments) == arguments:
            return Levels(like.chance, like.best)
    name = ALIASES.get(config.id, config.id).removeprefix("popgym_").rpartition("_")[0]
    allowed, rule = _RULES.get(name, (set(), _unknown))
    return rule(arguments) if other.keys() <= allowed else Levels()


def _earned(arguments: Params) -> dict[str, Any]:
    return {k: v for k, v in arguments.items() if k not in _SEEN}


def _unknown(arguments: Params) -> Levels:
    return Levels()


def _suits(arguments: Params) -> Levels:
    return Levels(-0.5, 1.0)  # one answer of four is right


def _by_sight(arguments: Params) -> Levels:
    return Levels(None, 1.0)  # whoever sees everything makes no mistake


def _higher_lower(arguments: Params) -> Levels:
    return Levels(0.0, 12 / 13)  # all but ties, whatever the number of decks


def _count_recall(arguments: Params) -> Levels:
    counts = 52 * arguments["num_decks"] // _TYPES[arguments["deck_type"]] + 1
    return Levels(2 / counts - 1, 1.0)


def _arms(arguments: Params) -> Levels:
    count = arguments["num_bandits"]  # the mean of the best of n rates is n / (n + 1)
    return Levels(0.0, 2 * count / (count + 1) - 1)


def _pole(arguments: Params) -> Levels:
    limit = arguments["max_steps_in_episode"]
    return Levels(pole_steps(limit) / limit, 1.0)


_CLOCK = {"max_steps_in_episode"}
# Which arguments may differ, and what then holds.
_RULES: dict[str, tuple[set[str], Callable[[Params], Levels]]] = {
    "autoencode": ({"num_decks"}, _suits),
    "repeat_first": ({"num_decks"}, _suits),
    "repeat_previous": ({"num_decks", "k"}, _suits),
    "higher_lower": ({"num_decks"}, _higher_lower),
    "count_recall": ({"num_decks", "deck_type"}, _count_recall),
    "battleship": ({"board_size", "ship_sizes"}, _by_sight),
    "concentration": ({"num_decks", "deck_type"}, _by_sight),
    "minesweeper": ({"height", "width", "num_mines"}, _by_sight),
    "multiarmed_bandit": ({"num_bandits"} | _CLOCK, _arms),
    "position_only_cartpole": (_CLOCK, _pole),
    "noisy_position_only_cartpole": (_CLOCK, _pole),
    "velocity_only_cartpole": (_CLOCK, _pole),
}
