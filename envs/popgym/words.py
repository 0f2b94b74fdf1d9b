"""What an observation and an action of the suite mean, in a few characters.

    observation(env, obs, first=True)   "miss  start"
    action(env, 28)                     "(3, 4)"

One-hots are read back as what popgym calls the observation (`base`), and then named.
"""

from typing import Any

import numpy as np

from envs.popgym.signs import COLORS, MOVES, RANKS, SQUARES, SUITS
from envs.popgym.wrappers import PreviousAction

_TYPES = {2: COLORS, 4: SUITS, 13: RANKS}
_SIGNS = {  # of each part of an observation, by family
    "Autoencode": (("play", "watch"), SUITS),
    "Battleship": (("miss", "hit"),),
    "HigherLower": (RANKS,),
    "MultiarmedBandit": (("not paid", "paid"),),
    "RepeatFirst": (SUITS,),
    "RepeatPrevious": (SUITS,),
}
_ACTIONS = {
    "Autoencode": SUITS,
    "HigherLower": ("higher", "lower"),
    "LabyrinthEscape": MOVES,
    "LabyrinthExplore": MOVES,
    "NoisyPositionOnlyCartPole": ("left", "right"),
    "PositionOnlyCartPole": ("left", "right"),
    "RepeatFirst": SUITS,
    "RepeatPrevious": SUITS,
    "VelocityOnlyCartPole": ("left", "right"),
}
_VECTORS = {  # names of the numbers that a control task shows
    (0, 2): ("x", "angle"),
    (1, 3): ("x'", "angle'"),
}


def action(env: Any, number: Any) -> str:
    """One action: a word, the parts of it as a tuple, or its numbers."""
    if not env.action_axes:
        return " ".join(f"{x:+.2f}" for x in np.ravel(number))
    parts = [int(i) for i in np.unravel_index(int(number), env.action_axes)]
    if len(parts) > 1:
        return f"({', '.join(map(str, parts))})"
    words = _ACTIONS.get(env.name)
    return words[parts[0]] if words else str(parts[0])


def observation(env: Any, obs: np.ndarray, *, first: bool) -> str:
    """One observation [D] of an environment, in `PreviousAction` or bare.

    Args:
      env: the environment.
      obs: what it showed.
      first: whether it opens an episode.
    """
    if not isinstance(env, PreviousAction):
        return _label(env, obs, first)
    shown = env.env.observation_space(None).shape[0]
    seen = _label(env.env, obs[:shown], first)
    axes = env.action_axes
    if obs[-1]:
        return f"{seen}  start"
    previous = obs[shown:-2]
    if axes:
        previous = np.ravel_multi_index(tuple(_hot(previous, axes)), axes)
    return f"{seen}  after {action(env, previous)}"


def _label(env, obs, first) -> str:
    if not env.label_axes:
        return _numbers(env, obs, first)
    label = _hot(obs, env.label_axes)
    if env.name.startswith("Labyrinth"):
        return "/".join(_squares(label[row : row + 3]) for row in (0, 3, 6))
    if env.name == "Concentration":
        # One character a card, so that positions can be counted.
        faces = [face.replace("10", "T") for face in _TYPES[env.num_types]]
        return "".join([*faces, "."][i] for i in label)
    if env.name == "CountRecall":
        value, query = (_TYPES[env.num_types][i] for i in label)
        return f"value {value} query {query}"
    if env.name == "MineSweeper":
        return f"{label[0]} near"
    return " ".join(words[i] for words, i in zip(_SIGNS[env.name], label, strict=True))


def _numbers(env, obs, first) -> str:
    if env.name.endswith("Pendulum"):
        names = ("cos", "sin")
    else:
        names = _VECTORS[env.shown_first if first else env.shown]
    return " ".join(f"{n} {x:+.3f}" for n, x in zip(names, obs, strict=True))


def _squares(label) -> str:
    return "".join(SQUARES[i] for i in label)


def _hot(x: np.ndarray, axes: tuple[int, ...]) -> list[int]:
    """Which entry of each one-hot is set."""
    edges = np.cumsum(axes)[:-1]
    return [int(np.argmax(part)) for part in np.split(np.asarray(x), edges)]
