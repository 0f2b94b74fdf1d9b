"""The cells of a room, and which of its tasks are held out. Free of JAX."""

import numpy as np

HELD_OUT, SEED = 0.2, 0  # share of the tasks, and what chooses which


def cells_of(index: np.ndarray, size: int) -> np.ndarray:
    """[M, 2] int32: cells by their row-major numbers [M]."""
    return np.stack(np.divmod(index, size), axis=-1).astype(np.int32)


def partition(
    count: int, *, held_out: float = HELD_OUT, seed: int = SEED
) -> tuple[np.ndarray, ...]:
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
