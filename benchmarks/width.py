"""At which width a core has as many parameters as another, by shapes alone."""

from collections.abc import Callable
from functools import cache

import jax

from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent

TOLERANCE = 0.1  # of the number of parameters
WIDEST = 512


@cache
def parameters(arguments: tuple[str, ...]) -> int:
    """How many parameters a learner has, as `python train.py` would build it."""
    config = run_config.load(cli.composed("train", arguments))
    learner = jax.eval_shape(build_agent(config).initialise, jax.random.key(0))
    return sum(leaf.size for leaf in jax.tree.leaves(learner.params))


def matched(
    name: str, target: int, count: Callable[[int], int], units: tuple[int, ...] = (8, 4)
) -> int:
    """The width at which `count(width)` is nearest to `target`.

    A multiple of the first unit if one is near enough, else of the next.

    Args:
      name: whose width it is, for the message.
      target: parameters.
      count: parameters at a width, which grow with it.
      units: tried one after another.

    Raises:
      ValueError: if none is within `TOLERANCE`.
    """
    nearest = 0
    for unit in units:
        low, high = 1, max(2, WIDEST // unit)
        while high - low > 1:
            middle = (low + high) // 2
            is_small = count(unit * middle) <= target
            low, high = (middle, high) if is_small else (low, middle)
        nearest = unit * min(low, high, key=lambda n: abs(count(unit * n) - target))
        if abs(count(nearest) / target - 1) <= TOLERANCE:
            return nearest
    raise ValueError(f"{name}: {count(nearest):,} parameters is nearest to {target:,}.")
