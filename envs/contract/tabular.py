"""Environments small enough for a table: asked of one, through all its wrappers.

An environment whose physics, in a given task, has few states says so beside it:

    table_size                     how many rows a table has, S
    table_row(state, params)       [] int32, which of them a state is in, 0 ... S - 1

A row is all that matters of a state but the clock and the task. It is for learners that
keep a table of one task (`agents.distill.sources`), and nothing is observed of it. A
meta-environment (`envs.meta.wrapper`) passes both on, with its own states and params.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from jax import Array


class Table(NamedTuple):
    """The rows of an environment's states."""

    size: int  # S
    row: Callable[[Any, Any], Array]  # (state, params) -> [] int32


def table(env: Any) -> Table | None:
    """The rows of an environment's states; None where it names none.

    Args:
      env: in the gymnax 1.x contract, wrapped or bare.
    """
    size = getattr(env, "table_size", None)
    return None if size is None else Table(int(size), env.table_row)
