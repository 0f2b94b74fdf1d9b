"""Scripted play: actions made from the hidden arrays, as flat as our environments'.

`tape(kind, env, hidden, length, rng)` gives [length] actions; the control tasks, whose
good actions depend on where the physics has gone, get `controller` instead.
"""

import numpy as np

KINDS = ("random", "best", "worst", "mixed")


def make(kind, env, hidden, length, rng):
    """A policy `(t, reference_env) -> action`."""
    if "state" in hidden:
        return controller(kind, env, rng)
    actions = tape(kind, env, hidden, length, rng)
    return lambda t, _: actions[t]


def tape(kind, env, hidden, length, rng):
    random = rng.integers(env.num_actions, size=length)
    if kind == "random":
        return random
    if kind == "limit":
        return limit(env, hidden, length)
    if kind == "worst":
        return worst(env, hidden, length)
    good = _repeated(best(env, hidden), length)
    if kind == "best":
        return good
    if "cards" in hidden:  # wrong pairs between right ones, and a step out of phase
        return _repeated(_interrupted(best(env, hidden), random, rng), length)
    return np.where(rng.random(length) < 0.25, random, good)


def best(env, hidden):
    """Actions that never miss."""
    match type(env).__name__:
        case "RepeatFirst":
            return hidden["suits"][:1]
        case "RepeatPrevious":
            return np.concatenate([np.zeros(env.k - 1, int), hidden["suits"]])
        case "Autoencode":
            suits = hidden["suits"]
            return np.concatenate([np.zeros(len(suits) - 1, int), suits[::-1]])
        case "CountRecall":
            values, queries = hidden["values"], hidden["queries"]
            return np.array(
                [(values[: t + 1] == q).sum() for t, q in enumerate(queries)]
            )
        case "HigherLower":
            return (np.diff(hidden["ranks"]) < 0).astype(int)
        case "Concentration":
            return np.argsort(hidden["cards"], kind="stable")
        case "Battleship":
            return np.flatnonzero(hidden["board"])
        case "MineSweeper":
            return np.flatnonzero(hidden["mines"] == 0)
        case "MultiarmedBandit":
            return np.argmax(hidden["probs"])[None]


def worst(env, hidden, length):
    """Actions that get the least there is to get."""
    match type(env).__name__:
        case "Concentration":
            return np.zeros(length, int)
        case "Battleship":
            return np.full(length, np.flatnonzero(hidden["board"] == 0)[0])
        case "MineSweeper":
            # Open one clear cell, stare at it, and step on a mine at the last moment.
            clear, mine = (np.flatnonzero(hidden["mines"] == i)[0] for i in (0, 1))
            actions = np.full(length, clear)
            actions[env.num_clear - 1] = mine
            return actions
        case "MultiarmedBandit":
            return np.full(length, np.argmin(hidden["probs"]))
    return (_repeated(best(env, hidden), length) + 1) % env.num_actions


def limit(env, hidden, length):
    """Wins with the last step the clock allows."""
    good = best(env, hidden)
    last = env.default_params.max_steps_in_episode
    actions = np.full(length, good[0])
    if "cards" in hidden:  # the first card twice, again and again, costs two steps
        actions[last - len(good) : last] = good
    else:
        actions[: len(good) - 1] = good[:-1]
        actions[last - 1] = good[-1]
    return actions


def controller(kind, env, rng):
    """Play of a control task, from the reference's true state."""

    def act(t, reference):
        random = kind == "random" or (kind == "mixed" and rng.random() < 0.3)
        if not env.action_axes:
            if random:
                return rng.uniform(-2.5, 2.5, size=1).astype(np.float32)
            return np.array([_torque(*reference.state, kind)], np.float32)
        if random:
            return rng.integers(2)
        x, x_dot, theta, theta_dot = reference.state
        right = theta + 0.25 * theta_dot + 0.02 * x + 0.05 * x_dot > 0
        return int(right) if kind != "worst" else 0

    return act


def _torque(theta, theta_dot, kind):
    angle = (theta + np.pi) % (2 * np.pi) - np.pi
    if kind == "worst":
        return 0.0
    if abs(angle) < 0.5:
        return np.clip(-10 * angle - 2 * theta_dot, -2, 2)
    energy = 0.5 * theta_dot**2 + 15 * (np.cos(theta) - 1)
    return 2.0 * np.sign(theta_dot * -energy) or 2.0


def _repeated(actions, length):
    return np.resize(np.asarray(actions, int), length)


def _interrupted(good, random, rng):
    actions = []
    for pair in good.reshape(-1, 2):
        if rng.random() < 0.3:
            actions.extend(random[: rng.choice([1, 2], p=[0.2, 0.8])])
            random = random[2:]
        actions.extend(pair)
    return np.array(actions)
