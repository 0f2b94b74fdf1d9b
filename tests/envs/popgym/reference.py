"""The real popgym, driven from given hidden arrays.

popgym draws through `env.np_random` alone, so `Scripted` stands in for it and hands
back what the test prescribes. `trace` plays an episode to its end and records it.
"""

import warnings

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip(
        "popgym", reason="conformance is against the package popgym 1.0.7"
    )
    import gymnasium
    import popgym.envs
    from popgym.wrappers import Antialias, PreviousAction

from envs.popgym.table import TABLE

CARDS = {"suits": "suits_idx", "ranks": "ranks_idx"}


class Scripted:
    """A generator that draws what it was given, in the order popgym asks for it."""

    def __init__(self, hidden, orders):
        self.hidden = hidden
        self.orders = list(orders)
        self.noise = list(hidden.get("noise", ()))
        self.uniforms = list(hidden.get("uniforms", ()))

    def shuffle(self, array):
        array[:] = self.orders.pop(0)

    def choice(self, cells, size, replace):
        assert size == self.hidden["mines"].sum() and not replace
        return np.flatnonzero(self.hidden["mines"])

    def random(self, size=None, dtype=np.float64):
        if size is None:
            return self.uniforms.pop(0)
        return self.hidden["probs"].astype(dtype)

    def uniform(self, low, high, size=None):
        return np.array(self.hidden["state"], np.float64)

    def normal(self, mean, sigma):
        return np.asarray(self.noise.pop(0), np.float64)


def make(name, **kwargs):
    """The reference environment of one of our names."""
    difficulty = name.rsplit("_", 1)[1].capitalize()
    class_name = TABLE[name].env_class.__name__ + ("" if kwargs else difficulty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(popgym.envs, class_name)(**kwargs)


def draw_hidden(name, seed):
    """What the reference's own reset draws; noise and uniforms are left out."""
    env = make(name)
    env.reset(seed=seed)
    if hasattr(env, "value_deck"):
        decks = {"values": env.value_deck, "queries": env.query_deck}
        return {k: env.deck_idx_type[deck.idx[::-1]] for k, deck in decks.items()}
    if hasattr(env, "facedown_card"):
        return {"cards": env.deck_idx_type[env.deck.idx]}
    if hasattr(env, "deck"):
        shown = TABLE[name].env_class.shown
        return {shown: getattr(env.deck, CARDS[shown])[env.deck.idx[::-1]]}
    if hasattr(env, "board"):
        return {"board": env.board.copy()}
    if hasattr(env, "hidden_grid"):
        return {"mines": (env.hidden_grid == 1).astype(np.int8)}
    if hasattr(env, "bandits"):
        return {"probs": env.bandits.copy()}
    return {"state": np.array(env.state, np.float64)}


def script(env, name, hidden):
    """Makes the next `env.reset()` start from `hidden`."""
    orders = []
    if "values" in hidden:
        for key in ("values", "queries"):
            orders.append(_cards(env.deck_idx_type, hidden[key])[::-1])
    elif "cards" in hidden:
        orders.append(_cards(env.deck_idx_type, hidden["cards"]))
    elif hasattr(env, "deck"):
        shown = TABLE[name].env_class.shown
        orders.append(_cards(getattr(env.deck, CARDS[shown]), hidden[shown])[::-1])
    elif "board" in hidden:
        env.place_ship = lambda board, size: hidden["board"].astype(np.int8)
    env.np_random = Scripted(hidden, orders)


def trace(name, hidden, policy, *, wrapped=False, **kwargs):
    """One episode of the reference, to its last step.

    Args:
      name: one of our names.
      hidden: the keys of `draw_hidden`, with "noise" [T + 1, 2] or "uniforms" [T].
      policy: `(t, env) -> action`, the action flat.
      wrapped: whether observations are those of Antialias(PreviousAction(env)).
      **kwargs: constructor arguments of the popgym class, for other than its sizes.

    Returns:
      obs [T + 1, D], markov [T + 1, M], action [T], reward [T], terminated [T],
      truncated [T] and, for control tasks, physics [T, P] before each step.
    """
    env = make(name, **kwargs)
    script(env, name, hidden)
    outer = Antialias(PreviousAction(env)) if wrapped else env
    space = outer.observation_space
    obs, _ = outer.reset()
    log = {k: [] for k in ("action", "reward", "terminated", "truncated", "physics")}
    log |= {"obs": [gymnasium.spaces.flatten(space, obs)], "markov": [_markov(env)]}
    ended = False
    while not ended:
        action = policy(len(log["action"]), env)
        log["physics"].append(np.array(getattr(env, "state", 0.0)))
        obs, reward, terminated, truncated, _ = outer.step(_native(env, action))
        log["obs"].append(gymnasium.spaces.flatten(space, obs))
        log["markov"].append(_markov(env))
        for key, value in zip(
            ("action", "reward", "terminated", "truncated"),
            (action, reward, terminated, truncated),
            strict=True,
        ):
            log[key].append(value)
        ended = terminated or truncated
    if "state" not in hidden:
        del log["physics"]
    return {key: np.array(value) for key, value in log.items()}


def _native(env, action):
    space = env.action_space
    if isinstance(space, gymnasium.spaces.MultiDiscrete):
        return np.array(np.unravel_index(action, space.nvec))
    if isinstance(space, gymnasium.spaces.Box):
        return np.asarray(action, np.float32)
    return int(action)


def _markov(env):
    state = env.get_state()
    if hasattr(env, "facedown_card"):  # its MultiDiscrete has float sizes
        types, matched, *flipped = state
        eye, n = np.eye(env.facedown_card), len(types)
        return np.concatenate([eye[types].ravel(), matched, *np.eye(n)[flipped]])
    if hasattr(env, "hidden_grid"):
        return np.eye(3)[state].ravel()
    return gymnasium.spaces.flatten(env.state_space, state)


def _cards(label_of, labels):
    """Card ids that carry the given labels, each card once."""
    ids = np.empty(len(labels), int)
    for label in np.unique(label_of):
        ids[np.asarray(labels) == label] = np.flatnonzero(label_of == label)
    return ids
