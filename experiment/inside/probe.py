"""A linear probe: what can be read out of memory by one matrix, step by step.

Ridge regression of ±1 on all numbers in memory, of half of the episodes; the other half
is what it is tested on. It needs the products of memories with each other alone, so
memory may be as large as it likes. How much it is held back is chosen by leaving each
training episode out (in closed form).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

LEAST = 8  # episodes of a half that have not ended; of fewer nothing is said
RIDGES = 10.0 ** np.arange(-4, 3)  # of the mean square of a memory


class Readout(NamedTuple):
    """Share of right answers of held-out episodes, [Q, L] over steps and bits.

    NaN where too few episodes are left, or a bit is the same in all that are.
    """

    accuracy: np.ndarray
    chance: np.ndarray  # of whatever answer is the likelier there
    shuffled: np.ndarray  # of a probe that was trained on labels of other episodes
    episodes: np.ndarray  # [Q] held out and still going on


def products(carry: object, inside: Array) -> Array:
    """[N, N] products of memories with each other, a number of them worth one each.

    Args:
      carry: [N, ...] memory; complex numbers are two.
      inside: [N] bool, episodes that have not ended. Means and deviations are of the
        training half of them.
    """
    count = len(inside)
    parts = []
    for leaf in jax.tree.leaves(carry):
        planes = (leaf.real, leaf.imag) if jnp.iscomplexobj(leaf) else (leaf,)
        parts += [x.reshape(count, -1).astype(jnp.float32) for x in planes]
    memory = jnp.concatenate(parts, axis=1)
    weight = (inside & (jnp.arange(count) < count // 2)).astype(jnp.float32)
    weight = (weight / jnp.maximum(weight.sum(), 1))[:, None]
    away = memory - (weight * memory).sum(0, keepdims=True)
    spread = jnp.sqrt((weight * away**2).sum(0, keepdims=True))
    # What differs by rounding alone is no memory of anything.
    least = 1e-6 * jnp.sqrt((weight * memory**2).sum(0, keepdims=True))
    scaled = jnp.where(spread > least, away / jnp.where(spread > least, spread, 1), 0)
    return jnp.matmul(scaled, scaled.T, precision="highest") / memory.shape[1]


def read_out(grams: np.ndarray, inside: np.ndarray, labels: np.ndarray) -> Readout:
    """Trains and tests a probe for each step and bit.

    Args:
      grams: [Q, N, N] `products` of Q steps.
      inside: [Q, N] bool.
      labels: [N, L] bool.
    """
    shuffled = labels[np.random.default_rng(0).permutation(len(labels))]
    both = np.concatenate([labels, shuffled], axis=1)
    found = [_step(gram, here, both) for gram, here in zip(grams, inside, strict=True)]
    right, chance = (np.stack(part) for part in zip(*found, strict=True))
    own, other = np.split(right, 2, axis=1)
    held_out = inside[:, labels.shape[0] // 2 :].sum(1)
    return Readout(own, np.split(chance, 2, axis=1)[0], other, held_out)


def _step(
    gram: np.ndarray, inside: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`(accuracy, chance)` [L] of one step."""
    half = len(inside) // 2
    train = np.flatnonzero(inside[:half])
    test = half + np.flatnonzero(inside[half:])
    nothing = np.full(labels.shape[1], np.nan)
    if min(len(train), len(test)) < LEAST:
        return nothing, nothing
    y, wanted = 2.0 * labels[train] - 1, labels[test]
    mean = y.mean(0)
    weights = _fitted(gram[np.ix_(train, train)].astype(np.float64), y - mean)
    guess = gram[np.ix_(test, train)] @ weights + mean > 0
    known = np.abs(mean) < 1
    share = wanted.mean(0)
    accuracy = np.where(known, (guess == wanted).mean(0), np.nan)
    return accuracy, np.where(known, np.maximum(share, 1 - share), np.nan)


def _fitted(gram: np.ndarray, y: np.ndarray) -> np.ndarray:
    """[n, L] weights of training episodes, each bit with the ridge that suits it."""
    values, vectors = np.linalg.eigh(gram)
    turned = vectors.T @ y
    scale = max(gram.trace() / len(gram), 1e-12)
    weights, errors = [], []
    for ridge in RIDGES * scale:
        shrunk = 1 / (np.maximum(values, 0) + ridge)
        found = vectors @ (shrunk[:, None] * turned)
        # Of an episode left out: its residual over what it weighs in its own answer.
        own = (vectors**2 * shrunk).sum(1)[:, None]
        weights.append(found)
        errors.append(((found / own) ** 2).mean(0))
    best = np.argmin(errors, axis=0)
    return np.stack(weights)[best, :, np.arange(y.shape[1])].T
