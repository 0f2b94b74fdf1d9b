"""States of a diagonal recurrence: how long each keeps, turns how fast, adds what.

A layer reads y = Σ_n Re(C_n x_n) + D u. Of the steps that were played:

    own[n]     Var(part n) / Σ_m Var(part m)      summed over the features of y
    joint[n]   Cov(part n, Σ_m part m) / Var(Σ_m part m)

Both add up to 1. States are correlated, so own shares are not what would be lost with a
state; joint shares are a part of what is there, and negative of a state that takes away
from what others add. `overlap` is Σ_m Var(part m) / Var(Σ_m part m): 1 of states that
have nothing to do with each other, more where they cancel, less where they agree.
"""

from typing import Any, NamedTuple

import numpy as np

ROOM = 2**27  # bytes of states that are kept to be looked at


class States(NamedTuple):
    """Of one layer of one learner; arrays [P]."""

    half_life: np.ndarray  # steps
    frequency: np.ndarray  # cycles a step, of a conjugate pair the positive one
    own: np.ndarray
    joint: np.ndarray
    overlap: float

    @property
    def typical(self) -> float:
        """Half of all own shares are of states with a half-life up to this."""
        order = np.argsort(self.half_life)
        reached = np.cumsum(self.own[order]) >= 0.5
        return float(self.half_life[order][reached.argmax()])

    def beyond(self, steps: int) -> float:
        """The own share of states that keep more than half for so many steps."""
        return float(self.own[self.half_life > steps].sum())


def states(modes: Any, seen: np.ndarray) -> States:
    """Measures a layer's states.

    Args:
      modes: of the layer (`s5rl.modes`).
      seen: [M, P] complex, its states in M steps of several episodes.
    """
    own, joint, overlap = shares(seen, np.asarray(modes.read_out))
    half_life, frequency = np.asarray(modes.half_life()), np.asarray(modes.frequency())
    return States(half_life, frequency, own, joint, overlap)


def shares(
    seen: np.ndarray, read_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """`(own [P], joint [P], overlap)` of states [M, P] read by a matrix [P, H].

    From moments of the states, so that no part [M, P, H] is made. Zeros, and an overlap
    of 1, of states that never change.
    """
    x = seen.astype(np.complex128)
    x = x - x.mean(0)
    c = read_out.astype(np.complex128)
    a, b = c.real, -c.imag  # a part is Re x a + Im x b
    y = x.real @ a + x.imag @ b
    count = len(x)
    real, imag = (x.real**2).mean(0), (x.imag**2).mean(0)
    both = (x.real * x.imag).mean(0)
    alone = (a**2).sum(1) * real + (b**2).sum(1) * imag + 2 * (a * b).sum(1) * both
    with_y = ((x.real.T @ y) * a + (x.imag.T @ y) * b).sum(1) / count
    total = (y**2).mean(0).sum()
    if not alone.sum() > 0 or not total > 0:
        return np.zeros(len(c)), np.zeros(len(c)), 1.0
    return alone / alone.sum(), with_y / total, float(alone.sum() / total)


def lanes(num_states: int, num_steps: int, num_episodes: int) -> int:
    """Of how many episodes the states of a layer are kept: all, or what has room."""
    return min(num_episodes, max(2, ROOM // (8 * num_states * num_steps)))
