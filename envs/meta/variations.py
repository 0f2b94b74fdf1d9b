"""What a hidden task varies: small pieces that compose.

A variation draws its part of a task, and says what that part does to the environment's
params, to what is observed and to what is done. Tasks are pytrees of arrays; nothing
here keeps a state.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import jax
import numpy as np
from gymnax.environments import spaces
from jax import Array

from envs.meta.tasks import ALL_SPLITS

# All tasks come from here. Splits fold in their own number, and so share no seed.
_ROOT = 0x5EED


class Variation(Protocol):
    """One thing that differs between tasks."""

    def draw(self, key: Array, split: str) -> Any:
        """One task of a split (`ALL_SPLITS`; static). `key` is consumed."""
        ...

    def params(self, task: Any, params: Any) -> Any:
        """The environment's params in this task."""
        ...

    def observe(self, task: Any, obs: Array) -> Array:
        """What is seen of a flat observation [D]: [D']."""
        ...

    def act(self, task: Any, action: Any) -> Any:
        """What the environment gets for an action."""
        ...

    def observed_size(self, size: int) -> int:
        """D' for observations of size D."""
        ...

    def action_space(self, space: spaces.Space) -> spaces.Space:
        """What the agent acts in, for an environment's action space."""
        ...


class Unvaried:
    """A variation that changes nothing; others override what they change."""

    def draw(self, key: Array, split: str) -> Any:
        """No task."""
        return ()

    def params(self, task: Any, params: Any) -> Any:
        """As they are."""
        return params

    def observe(self, task: Any, obs: Array) -> Array:
        """As it is."""
        return obs

    def act(self, task: Any, action: Any) -> Any:
        """As it is."""
        return action

    def observed_size(self, size: int) -> int:
        """As it is."""
        return size

    def action_space(self, space: spaces.Space) -> spaces.Space:
        """As it is."""
        return space


class Fields(Unvaried):
    """Fields of the environment's params, drawn from a declared distribution.

    Args:
      distribution: `(key, split) -> dict` from names of fields to values.
    """

    def __init__(self, distribution: Any):
        self.distribution = distribution

    def draw(self, key: Array, split: str) -> Mapping[str, Any]:
        """Values by name of field."""
        return self.distribution(key, split)

    def params(self, task: Mapping[str, Any], params: Any) -> Any:
        """Params with the task's values in them."""
        return params.replace(**task)


class Composed(Unvaried):
    """Several variations, applied to observations in order, to actions in reverse.

    So `Composed(Fields(...), Projection(...))` reads like wrappers: the first is the
    innermost.
    """

    def __init__(self, *variations: Variation):
        self.variations = variations

    def draw(self, key: Array, split: str) -> tuple[Any, ...]:
        """A task of each."""
        keys = jax.random.split(key, len(self.variations))
        parts = zip(self.variations, keys, strict=True)
        return tuple(variation.draw(key, split) for variation, key in parts)

    def params(self, task: tuple[Any, ...], params: Any) -> Any:
        """Changed by each in turn."""
        for variation, part in zip(self.variations, task, strict=True):
            params = variation.params(part, params)
        return params

    def observe(self, task: tuple[Any, ...], obs: Array) -> Array:
        """Changed by each in turn."""
        for variation, part in zip(self.variations, task, strict=True):
            obs = variation.observe(part, obs)
        return obs

    def act(self, task: tuple[Any, ...], action: Any) -> Any:
        """Changed by each, the last one first."""
        pairs = zip(self.variations, task, strict=True)
        for variation, part in reversed(list(pairs)):
            action = variation.act(part, action)
        return action

    def observed_size(self, size: int) -> int:
        """Changed by each in turn."""
        for variation in self.variations:
            size = variation.observed_size(size)
        return size

    def action_space(self, space: spaces.Space) -> spaces.Space:
        """Changed by each in turn."""
        for variation in self.variations:
            space = variation.action_space(space)
        return space


def task_key(key: Array, split: str, num_tasks: int | None = None) -> Array:
    """The key of one task of a split, drawn uniformly.

    Splits have disjoint sets of task keys, whatever `key` is: an evaluation cannot meet
    a training task by chance.

    Args:
      key: consumed.
      split: one of `ALL_SPLITS`.
      num_tasks: how many tasks the split has; None for 2**31 - 1.
    """
    index = jax.random.randint(key, (), 0, num_tasks or np.iinfo(np.int32).max)
    root = jax.random.fold_in(jax.random.key(_ROOT), ALL_SPLITS.index(split))
    return jax.random.fold_in(root, index)
