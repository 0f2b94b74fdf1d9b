"""Bodies whose physics differ: masses, lengths, damping, gravity, the motors' strength.

A task is a body and a factor for each of its constants, which are drawn anew in each
meta-episode. What a body lets vary is its own `constants`: groups of fields of its
params, each group scaled by one factor.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from envs.meta.tasks import SHIFTED
from envs.meta.variations import Unvaried

FARTHEST = 1.5  # exponent of `spread` in the farthest shifted tasks


class Constants(Unvaried):
    """Which body, and how far its constants are from those that it was built with.

    A factor is spread^u: on most splits u is uniform in [-1, 1], which makes a constant
    as likely to be doubled as to be halved. In shifted tasks |u| is uniform from 1 to
    `FARTHEST`: every constant lies beyond what is trained on.

    Args:
      bodies: environments with `constants`, in the order in which `body` counts them.
      spread: the largest factor of training, more than 1.

    Raises:
      ValueError: if one has none.
    """

    def __init__(self, bodies: Sequence[Any], spread: float):
        for body in bodies:
            if not getattr(body, "constants", ()):
                raise ValueError(f"{body.name} names no constants that may vary.")
        self.groups = tuple(body.constants for body in bodies)
        self.count = max(len(groups) for groups in self.groups)
        self.spread = spread

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """ "body" [] int32; and "factor" [n], of which a body takes its first ones."""
        body_key, size_key, side_key = jax.random.split(key, 3)
        shape, limit = (self.count,), float(self.spread)
        exponent = jax.random.uniform(size_key, shape, jnp.float32, -1, 1)
        if split == SHIFTED:
            size = 1 + (FARTHEST - 1) * jnp.abs(exponent)
            above = jax.random.bernoulli(side_key, shape=shape)
            exponent = jnp.where(above, size, -size)
        count = len(self.groups)
        return {
            "body": jax.random.randint(body_key, (), 0, count, jnp.int32),
            "factor": jnp.float32(limit) ** exponent,
        }

    def params(self, task: Mapping[str, Array], params: Any) -> Any:
        """Those of a set of bodies (`envs.meta.bodies`), each of them scaled."""
        inner = tuple(
            scaled(own, groups, task["factor"])
            for own, groups in zip(params.inner, self.groups, strict=True)
        )
        return params.replace(body=task["body"], inner=inner)


def scaled(params: Any, groups: Sequence[Sequence[str]], factor: Array) -> Any:
    """`params`, the fields of group i times `factor[i]`; of two groups, times both."""
    for index, names in enumerate(groups):
        fields = {name: getattr(params, name) * factor[index] for name in names}
        params = params.replace(**fields)
    return params
