"""What an update is mapped over, and how lanes that lie apart make one learner.

An update is written for one learner and all its lanes. Several learners are a `vmap`
over it. And the B lanes of one learner may be cut into blocks, which lie on several
devices or beside each other on one: each block is stepped, and shuffled, by itself, and
what stands for all lanes is made over the blocks:

    gradients, means of a loss        `mean`
    sums and how much was counted     `sum`
    the largest error                 `max`
    means of some of the lanes        `share`: the mean of it over blocks is right

Blocks are of equal size, so that the mean of their means is the mean. Without blocks
all of this is what it would be if it were not there, to the bit.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


@dataclass(frozen=True)
class Axes:
    """Names of mapped axes; of none by itself.

    Attributes:
      seeds: of a `vmap` over learners.
      beside: of a `vmap` over blocks that lie beside each other on one device.
      devices: over which the blocks of one learner's lanes are spread.
    """

    seeds: str | None = None
    beside: str | None = None
    devices: str | None = None

    @property
    def vmapped(self) -> tuple[str, ...]:
        """A `cond` costs nothing where it is not taken only if over these all agree."""
        return tuple(name for name in (self.seeds, self.beside) if name is not None)

    @property
    def blocks(self) -> tuple[str, ...]:
        """Over which all blocks of one learner lie, the outermost first."""
        return tuple(name for name in (self.devices, self.beside) if name is not None)

    def any(self, flag: Array) -> Array:
        """[] bool, whether it is set anywhere that one program runs for."""
        if not self.vmapped:
            return flag
        return jax.lax.pmax(flag.astype(jnp.int32), self.vmapped) > 0

    def key(self, key: Array) -> Array:
        """The block's own key. `key`, which all blocks have, is consumed."""
        if not self.blocks:
            return key
        return jax.random.fold_in(key, jax.lax.axis_index(self.blocks))

    def count(self, num_lanes: int) -> int:
        """Of so many lanes, how many a block has."""
        return num_lanes // self.number

    def own(self, lanes: Any) -> Any:
        """A block's part, [B / blocks, ...], of what all lanes have, [B, ...]."""
        if not self.blocks:
            return lanes

        def part(x: Array) -> Array:
            size = self.count(len(x))
            begin = jax.lax.axis_index(self.blocks) * size
            return jax.lax.dynamic_slice_in_dim(x, begin, size)

        return jax.tree.map(part, lanes)

    def mean(self, tree: Any) -> Any:
        """The mean over blocks of each leaf."""
        return jax.lax.pmean(tree, self.blocks) if self.blocks else tree

    def sum(self, tree: Any) -> Any:
        """Likewise the sum."""
        return jax.lax.psum(tree, self.blocks) if self.blocks else tree

    def max(self, tree: Any) -> Any:
        """Likewise the largest."""
        return jax.lax.pmax(tree, self.blocks) if self.blocks else tree

    def share(self, total: Array, count: Array) -> Array:
        """What this block adds to `total / count`, a mean of what is counted.

        The mean of it over blocks is the mean over all lanes. Where nothing is counted
        anywhere, it is divided by one.

        Args:
          total: of this block; gradients go through it.
          count: likewise, how many it is of; they do not go through this.
        """
        return total * self.number / jnp.maximum(self.sum(count), 1)

    def centred(self, x: Array) -> tuple[Array, Array]:
        """`(x - mean, standard deviation)` of x [T, B], both over all lanes."""
        if not self.blocks:
            return x - x.mean(), x.std()
        away = x - self.mean(x.mean())
        return away, jnp.sqrt(self.mean(jnp.square(away).mean()))

    def variance(self, x: Array) -> Array:
        """[] of x [T, B], over all lanes."""
        return jnp.var(x) if not self.blocks else jnp.square(self.centred(x)[1])

    def metrics(self, metrics: dict[str, Array]) -> dict[str, Array]:
        """Scalars of a block made those of the learner, by what their names say.

        `episode/*` are totals, of `*_error` the largest counts, the rest are means.
        """
        if not self.blocks:
            return metrics

        def joined(name: str, value: Array) -> Array:
            if name.startswith("episode/"):
                return self.sum(value)
            return self.max(value) if name.endswith("_error") else self.mean(value)

        return {name: joined(name, value) for name, value in metrics.items()}

    @property
    def number(self) -> int:
        """Of blocks."""
        return jax.lax.axis_size(self.blocks) if self.blocks else 1


ALONE = Axes()  # mapped over nothing
