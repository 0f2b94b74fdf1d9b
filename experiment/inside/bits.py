"""What of the start of an episode a memory could remember, as bits.

Each component of the hidden state and of the first observation that differs between
episodes is one, or is made one: above or below the value that parts the episodes most
evenly.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import numpy as np

MOST = 8  # bits that are probed
FEW = 16  # values of a component that counts as discrete
RAREST = 0.05  # share of episodes that the rarer value has at least


class Bit(NamedTuple):
    """One bit of every episode."""

    name: str
    values: np.ndarray  # [N] bool


def bits(recording: Any) -> list[Bit]:
    """Bits of the start of each episode, at most `MOST`.

    Those of two values first, then those of few, then those cut out of a continuum;
    among like ones, what differs most evenly. What says the same twice stands once.
    """
    found: list[tuple[tuple[int, float], Bit]] = []
    for name, values in _components(recording):
        kinds = np.unique(values)
        if len(kinds) < 2:
            continue
        cut = _cut(values, kinds)
        above = values >= cut
        rare = min(above.mean(), 1 - above.mean())
        if rare < RAREST or any(_same(above, bit.values) for _, bit in found):
            continue
        said = name if len(kinds) == 2 else f"{name} ≥ {cut:.3g}"
        rank = 0 if len(kinds) == 2 else (1 if len(kinds) <= FEW else 2)
        found.append(((rank, 0.5 - rare), Bit(said, above)))
    found.sort(key=lambda one: one[0])
    return [bit for _, bit in found[:MOST]]


def _components(recording: Any) -> Iterator[tuple[str, np.ndarray]]:
    """The hidden state's first: what is seen of it is no other bit."""
    hidden = np.asarray(recording.hidden)
    for index in range(hidden.shape[1]):
        yield f"hidden {index}", hidden[:, index]
    for path, leaf in jax.tree.leaves_with_path(recording.obs):
        where = jax.tree_util.keystr(path, simple=True, separator="/")
        first = np.asarray(leaf)[0]
        first = first.reshape(len(first), -1)
        for index in range(first.shape[1]):
            yield f"seen {where}{'/' if where else ''}{index}", first[:, index]


def _cut(values: np.ndarray, kinds: np.ndarray) -> float:
    """The value that parts them most evenly: from it on, a bit is set."""
    shares = np.array([(values >= kind).mean() for kind in kinds[1:]])
    if len(kinds) > FEW:
        return float(np.median(values))
    return float(kinds[1:][np.abs(shares - 0.5).argmin()])


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((one == other).all() or (one != other).all())
