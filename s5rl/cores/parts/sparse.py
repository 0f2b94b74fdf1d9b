"""Steps that were chosen, put side by side, and what was made of them, put back."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array


class Chosen(NamedTuple):
    """Which steps of a call were chosen; made by `chosen`."""

    active: Array  # [T, B] bool
    order: Array  # [T, B] int32, the chosen steps before the others, each in order
    number: Array  # [T, B] int32, chosen steps of the call up to and with this one
    reach: Array  # [T, B] int32, of the m-th chosen one: as `parts.window.seen` has it
    kept: Array  # [B] int32, rows of the cache that count after the call

    @property
    def there(self) -> Array:
        """[T, B] bool, whether there is an m-th."""
        time = jnp.arange(len(self.order), dtype=jnp.int32)
        return time[:, None] < self.number[-1:]

    def taken(self, array: Array) -> Array:
        """[T, B, ...]: the m-th chosen step of [T, B, ...], zeros where none is."""
        found = jnp.take_along_axis(array, _like(self.order, array), axis=0)
        return jnp.where(_like(self.there, array), found, 0)

    def returned(self, array: Array) -> Array:
        """Undoes `taken`; zeros at steps that were not chosen."""
        place = jnp.maximum(self.number - 1, 0)
        found = jnp.take_along_axis(array, _like(place, array), axis=0)
        return jnp.where(_like(self.active, array), found, 0)


def chosen(active: Array, reset: Array, count: Array, window: int) -> Chosen:
    """Numbers the chosen steps of each segment.

    Args:
      active: [T, B] bool.
      reset: [T, B] bool.
      count: [B] int32, chosen steps of the open segment in the cache.
      window: W, chosen steps that are seen, the present one among them.
    """
    number = jnp.cumsum(active, axis=0, dtype=jnp.int32)
    before = number - active.astype(jnp.int32)
    start = jax.lax.cummax(jnp.where(reset, before, -count[None]), axis=0)
    order = jnp.argsort(~active, axis=0, stable=True).astype(jnp.int32)
    reach = jnp.minimum(before - start, window - 1)
    after = jnp.minimum(number[-1] - start[-1], window - 1)
    reach = jnp.take_along_axis(reach, order, axis=0)
    return Chosen(active, order, number, reach, after)


def chosen_cache(cache: Array, rows: Array, steps: Chosen) -> tuple[Array, Array]:
    """(all rows [B, W-1+T, ...], the new cache [B, W-1, ...]); as `extended`.

    Args:
      cache: [B, W-1, ...] float32.
      rows: [T, B, ...], the m-th chosen one's.
      steps: of the call.
    """
    every = jnp.concatenate([cache, jnp.swapaxes(rows, 0, 1)], axis=1)
    kept = cache.shape[1]
    row = jnp.arange(kept, dtype=jnp.int32)[None]
    at = row + steps.number[-1][:, None]
    last = jnp.take_along_axis(every, _like(at, every), axis=1)
    belongs = kept - row <= steps.kept[:, None]
    return every, jnp.where(_like(belongs, last), last, 0)


def _like(flag: Array, array: Array) -> Array:
    return flag.reshape(*flag.shape, *(1,) * (array.ndim - 2))
