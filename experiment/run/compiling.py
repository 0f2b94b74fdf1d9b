"""From a placement of learners to the compiled update of all of them."""

from collections.abc import Mapping
from typing import Any

import jax

from experiment import memory
from experiment.run.mesh import Placement


def compile_update(placement: Placement) -> tuple[Any, list[str]]:
    """The compiled update of all seeds, and its metrics' names in the agent's order."""
    program, order = lowered(placement)
    return compiled(program, placement), order


def lowered(placement: Placement) -> tuple[Any, list[str]]:
    """Likewise, traced and lowered; what would need too much memory is refused.

    Raises:
      InputError: for a program that no memory holds.
    """
    order: list[str] = []

    def seen(metrics: Mapping[str, Any]) -> None:
        order[:] = metrics

    shapes, program = placement.shapes, placement.update(seen)

    def one_update(learners: Any) -> Any:  # a name that profiles and caches show
        return program(learners)

    # From shapes, or a resumed run would compile another program than a new one.
    update = jax.jit(one_update, donate_argnums=0)
    # Somebody debugs: nothing can be compiled.
    if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        jax.eval_shape(program, shapes)
        return update, order
    traced = update.trace(shapes)
    memory.check_program(traced)
    return traced.lower(), order


def compiled(program: Any, placement: Placement) -> Any:
    """What was lowered, compiled.

    Raises:
      InputError: if it takes more memory than there is.
    """
    if jax.config.jax_disable_jit:  # type: ignore[attr-defined]
        return program
    update = program.compile()
    # A checkpoint's copy, and the one before it, are there beside it.
    beside, copies = 2 * memory.size(placement.shapes), placement.copies
    memory.check_compiled(update, beside=beside, copies=copies)
    return update
