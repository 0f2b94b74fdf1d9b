"""Every name of the suite: class, arguments, chance and best return, what it measures.

Chance is the mean return of uniformly random actions (closed forms where there are any,
else 1000 episodes of the reference). Best is the mean return of play that sees the
hidden state: exact for card and board games, the best arm for the bandit, a hand-made
controller for the pendulum, depth-first search for LabyrinthExplore. Both are those of
the arguments here; `envs.popgym.levels` says for which others.

Classes are named and not imported, so that a command line can list them without JAX.
"""

from importlib import import_module
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One name of the suite."""

    path: str  # "module:class" in this package
    arguments: dict[str, Any]  # of the constructor and of the params, as `make` takes
    chance: float  # mean return of uniformly random actions
    best: float  # mean return of play that sees the hidden state
    measures: str  # what it measures, in a line

    @property
    def env_class(self) -> Any:
        """The environment's class, imported when it is asked for."""
        module, name = self.path.split(":")
        return getattr(import_module(f"envs.popgym.{module}"), name)


class Family(NamedTuple):
    """Three entries that differ in difficulty."""

    path: str
    measures: str
    arguments: tuple[dict[str, Any], ...]  # of easy, medium and hard, as below
    chance: tuple[float, float, float]
    best: tuple[float, float, float]


_SIGMAS = tuple({"sigma": sigma} for sigma in (0.1, 0.2, 0.3))
_MAZES = tuple({"height": n, "width": n} for n in (5, 7, 9))
_CARTPOLE_CLOCKS = tuple({"max_steps_in_episode": n} for n in (200, 400, 600))
# A pole stays up for 22.24 steps (envs.scale).
_CARTPOLE_CHANCE = (22.24 / 200, 22.24 / 400, 22.24 / 600)

FAMILIES = {
    "autoencode": Family(
        "autoencode:Autoencode",
        "a stack: recite a whole deck backwards",
        ({"num_decks": 1}, {"num_decks": 2}, {"num_decks": 3}),
        chance=(-0.5, -0.5, -0.5),
        best=(1.0, 1.0, 1.0),
    ),
    "battleship": Family(
        "battleship:Battleship",
        "spatial memory: not to ask twice, and to follow up a hit",
        ({"board_size": 8}, {"board_size": 10}, {"board_size": 12}),
        chance=(-0.450, -0.418, -0.411),
        best=(1.0, 1.0, 1.0),
    ),
    "concentration": Family(
        "concentration:Concentration",
        "associative memory: where a card was seen",
        (
            {"num_decks": 1, "deck_type": "colors"},
            {"num_decks": 2, "deck_type": "colors"},
            {"num_decks": 1, "deck_type": "ranks"},
        ),
        chance=(-0.198, -0.188, -0.838),
        best=(1.0, 1.0, 1.0),
    ),
    "count_recall": Family(
        "count_recall:CountRecall",
        "counters: how often has a type occurred",
        (
            {"num_decks": 1, "deck_type": "colors"},
            {"num_decks": 2, "deck_type": "suits"},
            {"num_decks": 4, "deck_type": "ranks"},
        ),
        chance=(2 / 27 - 1, 2 / 27 - 1, 2 / 17 - 1),
        best=(1.0, 1.0, 1.0),
    ),
    "higher_lower": Family(
        "higher_lower:HigherLower",
        "card counting: bet on what is left in the deck",
        ({"num_decks": 1}, {"num_decks": 2}, {"num_decks": 3}),
        chance=(0.0, 0.0, 0.0),
        best=(12 / 13, 12 / 13, 12 / 13),
    ),
    "labyrinth_escape": Family(
        "labyrinth:LabyrinthEscape",
        "navigation: find the exit of an unknown maze",
        _MAZES,
        chance=(-0.418, -0.815, -0.967),
        best=(0.979, 0.964, 0.948),
    ),
    "labyrinth_explore": Family(
        "labyrinth:LabyrinthExplore",
        "navigation: visit every square of an unknown maze",
        _MAZES,
        chance=(-0.361, -0.615, -0.745),
        best=(0.968, 0.927, 0.866),
    ),
    "minesweeper": Family(
        "minesweeper:MineSweeper",
        "spatial memory and deduction: counts that are shown once",
        (
            {"height": 4, "width": 4, "num_mines": 2},
            {"height": 6, "width": 6, "num_mines": 6},
            {"height": 8, "width": 8, "num_mines": 10},
        ),
        chance=(-0.221, -0.394, -0.436),
        best=(1.0, 1.0, 1.0),
    ),
    "multiarmed_bandit": Family(
        "multiarmed_bandit:MultiarmedBandit",
        "in-context learning: explore, then exploit",
        (
            {"num_bandits": 10, "max_steps_in_episode": 200},
            {"num_bandits": 20, "max_steps_in_episode": 400},
            {"num_bandits": 30, "max_steps_in_episode": 600},
        ),
        chance=(0.0, 0.0, 0.0),
        best=(20 / 11 - 1, 40 / 21 - 1, 60 / 31 - 1),
    ),
    "noisy_position_only_cartpole": Family(
        "cartpole:NoisyPositionOnlyCartPole",
        "control from noisy positions: filter and differentiate",
        _SIGMAS,
        chance=(22.24 / 200, 22.24 / 200, 22.24 / 200),
        best=(1.0, 1.0, 1.0),
    ),
    "noisy_position_only_pendulum": Family(
        "pendulum:NoisyPositionOnlyPendulum",
        "continuous control from noisy positions",
        _SIGMAS,
        chance=(0.250, 0.250, 0.250),
        best=(0.906, 0.906, 0.906),
    ),
    "position_only_cartpole": Family(
        "cartpole:PositionOnlyCartPole",
        "control from positions: velocities are differences over time",
        _CARTPOLE_CLOCKS,
        chance=_CARTPOLE_CHANCE,
        best=(1.0, 1.0, 1.0),
    ),
    "position_only_pendulum": Family(
        "pendulum:PositionOnlyPendulum",
        "continuous control from positions",
        tuple({"max_steps_in_episode": n} for n in (200, 150, 100)),
        chance=(0.250, 0.247, 0.246),
        best=(0.906, 0.875, 0.813),
    ),
    "repeat_first": Family(
        "repeat_first:RepeatFirst",
        "storage: hold one symbol for a whole episode",
        ({"num_decks": 1}, {"num_decks": 8}, {"num_decks": 16}),
        chance=(-0.5, -0.5, -0.5),
        best=(1.0, 1.0, 1.0),
    ),
    "repeat_previous": Family(
        "repeat_previous:RepeatPrevious",
        "a queue: repeat the card of k - 1 steps ago",
        (
            {"num_decks": 1, "k": 4},
            {"num_decks": 2, "k": 32},
            {"num_decks": 3, "k": 64},
        ),
        chance=(-0.5, -0.5, -0.5),
        best=(1.0, 1.0, 1.0),
    ),
    "velocity_only_cartpole": Family(
        "cartpole:VelocityOnlyCartPole",
        "control from velocities: positions are their sum over time",
        _CARTPOLE_CLOCKS,
        chance=_CARTPOLE_CHANCE,
        best=(1.0, 1.0, 1.0),
    ),
}

# The paper and the earlier ports say "stateless" for what popgym now calls
# "position only", and spell two names in more words.
FAMILY_ALIASES = {
    "stateless_cartpole": "position_only_cartpole",
    "stateless_pendulum": "position_only_pendulum",
    "noisy_stateless_cartpole": "noisy_position_only_cartpole",
    "noisy_stateless_pendulum": "noisy_position_only_pendulum",
    "mine_sweeper": "minesweeper",
    "multi_armed_bandit": "multiarmed_bandit",
}

DIFFICULTIES = ("easy", "medium", "hard")

TABLE: dict[str, Entry] = {
    f"popgym_{family}_{difficulty}": Entry(
        spec.path,
        spec.arguments[level],
        spec.chance[level],
        spec.best[level],
        spec.measures,
    )
    for family, spec in FAMILIES.items()
    for level, difficulty in enumerate(DIFFICULTIES)
}

# Alias to name; every alias is a key of TABLE too.
ALIASES: dict[str, str] = {
    f"popgym_{alias}_{difficulty}": f"popgym_{family}_{difficulty}"
    for alias, family in FAMILY_ALIASES.items()
    for difficulty in DIFFICULTIES
}
TABLE.update({alias: TABLE[name] for alias, name in ALIASES.items()})
