"""Chance and best of a meta-episode, for play that knows the task. Free of JAX.

Both follow from the law of the tasks: exactly, but for the pole, whose chance is
measured. Finite sets of tasks (`num_tasks`) are drawn with JAX's keys, so what they pay
is not known here where it hangs on the task.
"""

import numpy as np

from envs.meta.cells import cells_of, partition
from envs.meta.config import (
    DarkKeyToDoorConfig,
    DarkRoomConfig,
    MetaBanditConfig,
    MetaCartpoleConfig,
    MetaConfig,
    MetaTabularMdpConfig,
)
from envs.meta.tasks import SHIFTED, SHIFTED_RATE, TRAIN
from envs.scale import Levels, pole_steps

_LARGEST = 25  # side of a room whose pairs of cells are gone through


def levels(config: MetaConfig) -> Levels:
    """Chance and best of a whole meta-episode."""
    if isinstance(config, MetaCartpoleConfig):
        return _cartpole(config)
    if config.num_tasks is not None:
        return Levels()
    if isinstance(config, MetaBanditConfig):
        return _bandit(config)
    if isinstance(config, MetaTabularMdpConfig):
        # A reward has mean 1 under every law; the best is solved MDP by MDP.
        return Levels(float(_steps(config, 10)))
    if isinstance(config, DarkRoomConfig):
        return _dark_room(config)
    if isinstance(config, DarkKeyToDoorConfig):
        return _key_to_door(config)
    return Levels()


def _steps(config: MetaConfig, trial_steps: int) -> int:
    """Of a meta-episode whose trials all take the same number."""
    steps = config.num_trials * trial_steps
    return steps if config.step_budget is None else min(steps, config.step_budget)


def _cartpole(config: MetaCartpoleConfig) -> Levels:
    # 1 / trial_steps a step, whatever the lens.
    steps = _steps(config, config.trial_steps)
    whole = steps == config.num_trials * config.trial_steps
    by_chance = config.num_trials * pole_steps(config.trial_steps) / config.trial_steps
    return Levels(by_chance if whole else None, steps / config.trial_steps)


def _bandit(config: MetaBanditConfig) -> Levels:
    # Of n rates uniform below `high`, the mean is high / 2, and of the best one
    # high n / (n + 1). A trial is one pull.
    high = SHIFTED_RATE if config.split == SHIFTED else 1.0
    pulls = _steps(config, 1)
    count = config.num_arms
    return Levels(pulls * high / 2, pulls * high * count / (count + 1))


def _dark_room(config: DarkRoomConfig) -> Levels:
    size = config.size
    goals = cells_of(_part(config, size**2), size)
    start = _start(config)
    # The first step can pay where the agent stands already.
    needed = np.maximum(np.abs(goals - start).sum(1), 1)
    here = _spread_from(start, size, config.trial_steps)  # [steps, size, size]
    visits = here[:, goals[:, 0], goals[:, 1]].mean(1)
    trials, rest = divmod(_steps(config, config.trial_steps), config.trial_steps)

    def best(steps: int) -> float:
        return float(np.maximum(steps + 1 - needed, 0).mean())

    return Levels(
        trials * float(visits.sum()) + float(visits[:rest].sum()),
        trials * best(config.trial_steps) + best(rest),
    )


def _key_to_door(config: DarkKeyToDoorConfig) -> Levels:
    size, horizon = config.size, config.trial_steps
    if _steps(config, horizon) < config.num_trials * horizon:
        return Levels()  # trials end when the door opens: a budget cuts any of them
    pairs = np.divmod(_part(config, size**4), size**2)
    at, to = (cells_of(index, size) for index in pairs)
    start = _start(config)
    to_key = np.maximum(np.abs(at - start).sum(1), 1)
    to_door = to_key + np.maximum(np.abs(to - at).sum(1), 1)
    best = (to_key <= horizon).mean() + (to_door <= horizon).mean()
    chance = None
    if size <= _LARGEST:
        chance = config.num_trials * _key_to_door_by_chance(
            start, size, horizon, at, to
        )
    return Levels(chance, config.num_trials * float(best))


def _key_to_door_by_chance(start, size, horizon, key, door) -> float:
    """The key is first stood on at some step, and the door within what is left."""
    key, door = (cells @ [size, 1] for cells in (key, door))
    first = _first_passage(start, size, horizon)  # [t, key]
    within = np.zeros((size**2, size**2))  # [door, from], in the steps that are left
    own = np.arange(size**2)
    found = 0.0
    for taken in first[::-1]:
        found += float((taken[key] * (1 + within[door, key])).mean())
        within[own, own] = 1
        within = _spread(within.reshape(-1, size, size)).reshape(within.shape)
    return found


def _part(config: DarkRoomConfig | DarkKeyToDoorConfig, count: int) -> np.ndarray:
    """Which of the tasks 0 ... count - 1 the split has."""
    return partition(count)[config.split != TRAIN]


def _start(config: DarkRoomConfig | DarkKeyToDoorConfig) -> np.ndarray:
    """The corner in shifted tasks, else the center."""
    middle = 0 if config.split == SHIFTED else config.size // 2
    return np.array([middle, middle])


def _spread(x: np.ndarray) -> np.ndarray:
    """One random action applied to maps of the room, [..., size, size]."""
    wide = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 1)] * 2, mode="edge")
    up, down = wide[..., :-2, 1:-1], wide[..., 2:, 1:-1]
    left, right = wide[..., 1:-1, :-2], wide[..., 1:-1, 2:]
    return (x + up + down + left + right) / 5


def _spread_from(start: np.ndarray, size: int, steps: int) -> np.ndarray:
    """[steps, size, size]: where random play is after each step."""
    law = np.zeros((size, size))
    law[tuple(start)] = 1
    found = np.zeros((steps, size, size))
    for step in range(steps):
        law = found[step] = _spread(law)
    return found


def _first_passage(start: np.ndarray, size: int, steps: int) -> np.ndarray:
    """[steps, cells]: the chance that random play first stands on a cell then."""
    count = size**2
    own = np.arange(count)
    law = np.zeros((count, size, size))
    law[:, start[0], start[1]] = 1
    found = np.zeros((steps, count))
    for step in range(steps):
        law = _spread(law)
        flat = law.reshape(count, count)  # a view
        found[step] = flat[own, own]
        flat[own, own] = 0
    return found
