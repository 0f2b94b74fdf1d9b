"""Which processes make one run, as it stands on a command line. No JAX.

    distributed=auto                                  as JAX recognises the cluster
    distributed.coordinator=10.0.0.1:1234 distributed.num_processes=2
    distributed.process_id=0                          by hand, another one on each

It stands beside a run, as the cache does: every process is told something else, a run
goes on with another number of them, and a run folder must not say who is called.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeGuard

from envs.fields import shown
from experiment.errors import InputError
from experiment.setup import arguments

KEY = "distributed"
AUTO = "auto"
IS = "several processes make one run: auto (as a cluster says), or the three below"
_ADDRESS = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9A-Fa-f:.]+\]:\d{1,5}", re.ASCII)


@dataclass(frozen=True)
class Distributed:
    """This process among those of a run; of `distributed=auto`, nothing is known yet.

    Raises:
      ValueError: a sentence with the key, what was wanted and what came.
    """

    coordinator: str | None = None  # host:port of process 0, which listens there
    num_processes: int | None = None  # of the run
    process_id: int | None = None  # of this one, from 0

    def __post_init__(self):
        given = [name for name in NAMES if getattr(self, name) is not None]
        if not given:
            return
        missing = [f"{KEY}.{name}" for name in NAMES if name not in given]
        if missing:
            raise ValueError(
                f"{KEY}.{given[0]} needs {' and '.join(missing)} beside it; or say "
                f"{KEY}={AUTO}."
            )
        if not isinstance(self.coordinator, str) or not _is_address(self.coordinator):
            raise ValueError(
                f"{KEY}.coordinator must be host:port, as in 10.0.0.1:1234; got "
                f"{shown(self.coordinator)}."
            )
        count, number = self.num_processes, self.process_id
        if not _is_integer(count) or count < 1:
            raise ValueError(
                f"{KEY}.num_processes must be an integer, at least 1; got "
                f"{shown(count)}."
            )
        if not _is_integer(number) or not 0 <= number < count:
            raise ValueError(
                f"{KEY}.process_id must be an integer from 0 to num_processes - 1 "
                f"({count - 1}); got {shown(number)}."
            )

    @property
    def auto(self) -> bool:
        """Whether JAX has to find out."""
        return self.coordinator is None


NAMES = tuple(field.name for field in fields(Distributed))
KEYS = (KEY, *(f"{KEY}.{name}" for name in NAMES))


def taken(argv: Sequence[str]) -> tuple[list[str], Distributed | None]:
    """Arguments without those of several processes, and what they say; None of none.

    Raises:
      InputError: if they do not fit each other, or mean nothing.
    """
    rest, given = [], {}
    for argument in argv:
        key = argument.lstrip("+").partition("=")[0]
        if key.partition(".")[0] != KEY or "=" not in argument:
            rest.append(argument)
        elif key not in KEYS:
            raise InputError(f"unknown key {key}. Known: {', '.join(KEYS)}.")
        else:
            _, text = arguments.pairs([argument], KEYS)[0]
            as_text = key in KEYS[:2]  # 10:20 is an address, and no number
            given[key] = arguments.read(key, text, as_text=as_text)
    return rest, _read(given)


def _read(given: dict[str, Any]) -> Distributed | None:
    word = given.pop(KEY, None)
    if word is not None and (word != AUTO or given):
        said = " beside the other keys" if given and word == AUTO else ""
        raise InputError(
            f"{KEY} must be {AUTO}, or {', '.join(KEYS[1:])} in its place; got "
            f"{KEY}={shown(word)}{said}."
        )
    if word is None and not given:
        return None
    try:
        return Distributed(**{key.partition(".")[2]: given[key] for key in given})
    except ValueError as error:
        raise InputError(str(error)) from error


def _is_address(text: str) -> bool:
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(text.rpartition(":")[2]) < 2**16


def _is_integer(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
