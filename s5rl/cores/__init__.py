"""The one interface of memory, and the cores that have it, by name.

A file each memory, of what stands in `parts`; the table of all is `s5rl.config.CORES`.
May import `s5rl.recurrence` and `s5rl.ssm`, when a core is made: reading names and
configurations does not wait for JAX.
"""

import dataclasses
import difflib
from typing import TYPE_CHECKING, Any, Protocol

from s5rl.config import CORES
from s5rl.config.base import LARGEST

if TYPE_CHECKING:
    from jax import Array


class Core(Protocol):
    """Memory between observations and decisions; a `flax.linen.Module` that has:

    `initial_carry(batch_size)`: memory that has read nothing, a pytree of [B, ...].

    `apply(variables, carry, x, reset) -> (carry, y)`, with x [T, B, features_in], reset
    [T, B] bool and y [T, B, features] float32: reads x in order, forgetting everything
    before step t where reset[t]. T = 1 (acting) and T = 1024 (learning) are the same
    call, chunking is invisible, and what a reset drops may be NaN: it reaches no other
    segment, in values or in the gradients of inputs and carry. Parameters' gradients
    are sums over all segments, and a NaN in x is in them, whatever the loss looks at.
    Shapes and dtypes that do not fit are refused (`s5rl.cores.parts.checked`).
    """

    features: int

    def initial_carry(self, batch_size: int) -> Any: ...
    def init(self, rngs: Any, carry: Any, x: "Array", reset: "Array") -> Any: ...
    def apply(
        self, variables: Any, carry: Any, x: "Array", reset: "Array"
    ) -> "tuple[Any, Array]": ...


def core_names() -> tuple[str, ...]:
    """The names that `make_core` knows."""
    return tuple(CORES)


def make_core(name: str, *, features: int, **options: Any) -> Any:
    """Builds a core.

    Args:
      name: one of `core_names()`.
      features: H, the width of its output. Inputs may have any width.
      **options: the fields of the core's configuration, such as `s5rl.S5Config`.

    Returns:
      A `flax.linen` module with the interface of `Core`.

    Raises:
      ValueError: if the name or an option is unknown, or a value cannot work.
    """
    if name not in CORES:
        raise ValueError(f"unknown core {name!r}{_hint(name, core_names())}")
    if features <= 0:
        raise ValueError(f"features must be positive; got {features}.")
    if features > LARGEST:
        raise ValueError(f"features must be at most {LARGEST:,}; got {features:,}.")
    config = CORES[name].config
    known = tuple(field.name for field in dataclasses.fields(config))
    for option in options:
        if option not in known:
            raise ValueError(
                f"core {name!r} has no option {option!r}{_hint(option, known)}"
            )
    from s5rl.cores.stack import Stack

    return Stack(features=features, config=config(**options))


def _hint(wrong: str, known: tuple[str, ...]) -> str:
    nearest = difflib.get_close_matches(wrong, known, n=1)
    guess = f"; did you mean {nearest[0]!r}?" if nearest else "."
    return f"{guess} It knows: {', '.join(known)}."
