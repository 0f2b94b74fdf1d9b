"""Splits of a task distribution, and how a finite set of tasks is divided.

A task distribution is a small frozen object. `draw(key, split)` gives the fields of the
base environment's params that hold the hidden task; `split` is static:

    train      what the agent learns on
    held_out   the same law, but tasks that training never shows: another part of a
               finite set, or, where the law is continuous, other seeds
    shifted    a declared other law, on which nothing was learnt
"""

import numpy as np

TRAIN, HELD_OUT, SHIFTED = SPLITS = ("train", "held_out", "shifted")


def check_split(split: str) -> None:
    """Refuses a split that is not one of `SPLITS`."""
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}.")


def partition(count: int, *, held_out: float, seed: int) -> tuple[np.ndarray, ...]:
    """Divides tasks 0 ... count - 1 into those for training and those held out.

    Equal arguments give equal parts, in every process and with every NumPy: the stream
    of the legacy generator is frozen.

    Args:
      count: size of the set of tasks.
      held_out: share of it that is held out, rounded to the nearest task.
      seed: chooses which.

    Returns:
      `(train, held_out)`: two sorted int arrays, disjoint and together complete.

    Raises:
      ValueError: if either part would be empty.
    """
    kept = count - round(count * held_out)
    if not 0 < kept < count:
        raise ValueError(
            f"held_out ({held_out}) must leave tasks in both parts of {count}."
        )
    order = np.random.RandomState(seed).permutation(count)
    return np.sort(order[:kept]), np.sort(order[kept:])
