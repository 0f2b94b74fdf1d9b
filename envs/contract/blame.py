"""Whose code raised an error, and where: a sentence with file, line and method."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

OURS = {"agents", "envs", "experiment", "s5rl"}
# What everybody's code calls: an error that comes out there was made by the caller.
_LIBRARIES = {"jax", "jaxlib", "flax", "chex", "numpy", "optax", "distrax"}
_INSTALLED = {"site-packages", "dist-packages"}


class Refusal(ValueError):
    """An environment that cannot be used; the message, one sentence, says why."""


class Place(NamedTuple):
    """A line of somebody's code."""

    file: str
    line: int | None
    within: str  # the function, as "Mine.reset"

    def __str__(self) -> str:
        path = Path(self.file)
        if path.is_relative_to(Path.cwd()):
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}, in {self.within}"


@contextmanager
def told(doing: str, owner: Any = None) -> Iterator[None]:
    """Within it, an error of code that is not ours becomes a sentence with its place.

    Args:
      doing: what was called, as in "Mine.reset".
      owner: what belongs to whoever wrote the code. If that is us, errors that come
        from nowhere else are let through: they are faults of this program.

    Raises:
      Refusal: from the error.
    """
    try:
        yield
    except Refusal:
        raise
    except Exception as error:
        place = place_of(error)
        if place is None and owner is not None and is_ours(owner):
            raise
        where = f" ({place})" if place else ""
        raise Refusal(f"{doing} raises {described(error)}{where}.") from error


def is_ours(thing: Any) -> bool:
    """Whether an object's class (or a class, or a function) is of this repository."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return str(module).partition(".")[0] in OURS


def described(error: BaseException) -> str:
    """Its type and the first line of what it says, without the last full stop."""
    lines = str(error).strip().splitlines()
    first = lines[0].strip().rstrip(".:") if lines else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def place_of(error: BaseException) -> Place | None:
    """The innermost line that is neither ours nor a library's, if there is one.

    A user's own file goes before an installed package; that one counts only if none of
    our code was called from it.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return Place(error.filename, error.lineno, "<module>")
    frames = []
    trace = error.__traceback__
    while trace is not None:
        root = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        if root not in _LIBRARIES and root not in sys.stdlib_module_names:
            frames.insert(0, (trace.tb_frame.f_code, trace.tb_lineno, root in OURS))
        trace = trace.tb_next
    for code, line, ours in frames:
        if not ours and not _INSTALLED & set(Path(code.co_filename).parts):
            return _place(code, line)
    if frames and not frames[0][2]:
        return _place(*frames[0][:2])
    return None


def _place(code: CodeType, line: int) -> Place:
    return Place(code.co_filename, line, code.co_qualname)
