"""The list of environments: sizes, step limit, chance and best return, purpose.

Sizes are asked of the environments themselves: each is built, and nothing is traced or
compiled, which takes all of them some seconds. What cannot be built here (a suite that
is not installed) is listed with dashes and what it lacks.
"""

import fnmatch
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from envs import registry, table
from envs.popgym.table import ALIASES
from envs.suites.table import SUITES, check_installed

UNKNOWN = "-"
HEADER = ("name", "observation", "actions", "steps", "chance", "best", "measures")
# Not built for the list, and so of unknown size.
_NOT_BUILT = {
    "custom",  # it is whatever entry_point says
    "gymnax/MNISTBandit-bsuite",  # building it downloads the digits
}


@dataclass(frozen=True)
class Entry:
    """One line of the list; what is not known is UNKNOWN or None."""

    name: str
    observation: str  # "20", "10x10x4", or "one of 16"
    actions: str  # "64", or "2 real"
    steps: int | None  # after which an episode is cut
    chance: float | None
    best: float | None
    measures: str


def matching(pattern: str) -> tuple[str, ...]:
    """Names that contain `pattern`, or match it if it holds one of `*?[`."""
    pattern = pattern.lower()
    if not set(pattern) & set("*?["):
        pattern = f"*{pattern}*"
    return tuple(n for n in table.names() if fnmatch.fnmatchcase(n.lower(), pattern))


def entries(names: Iterable[str]) -> Iterator[Entry]:
    """Builds one environment after another; see the module docstring."""
    for name in names:
        lacking = _lacking(name)
        if not lacking and name not in _NOT_BUILT:
            try:
                yield entry(name, *registry.build(name))
                continue
            except Exception as error:  # someone else's package; the list goes on
                kind = "" if isinstance(error, ValueError) else type(error).__name__
                lacking = f"cannot be built: {kind} {error}".partition("\n")[0]
        yield _unsized(name, lacking)


def entry(name: str, env: Any, params: Any) -> Entry:
    """The line of an environment that has been built."""
    from gymnax.environments import spaces

    observation, action = env.observation_space(params), env.action_space(params)
    limit = getattr(params, "max_steps_in_episode", None)
    return replace(
        _unsized(name),
        observation=(
            f"one of {_size(observation)}"
            if isinstance(observation, spaces.Discrete)
            else _size(observation)
        ),
        actions=_size(action) + " real" * isinstance(action, spaces.Box),
        steps=None if limit is None else int(limit),
    )


def lines(names: Iterable[str]) -> Iterator[str]:
    """The list as aligned text: a header, then a line for each name."""
    names = list(names)
    width = max(map(len, names))
    form = f"{{:{width}}}  {{:>11}}  {{:>7}}  {{:>5}}  {{:>7}}  {{:>6}}  {{}}"
    yield form.format(*HEADER)
    for line in entries(names):
        yield form.format(
            line.name,
            line.observation,
            line.actions,
            UNKNOWN if line.steps is None else line.steps,
            _number(line.chance),
            _number(line.best),
            line.measures,
        )


def _unsized(name: str, lacking: str | None = None) -> Entry:
    known = table.spec(name)
    measures = known.measures
    if name in ALIASES:
        measures = f"another name of {ALIASES[name]}"
    if lacking:
        measures = f"{measures} ({lacking})"
    return Entry(name, UNKNOWN, UNKNOWN, None, *registry.levels(name), measures)


def _size(space: Any) -> str:
    from envs.contract.spaces import flat_size

    shape = getattr(space, "shape", ())
    if len(shape) > 1:
        return "x".join(map(str, shape))
    try:
        return str(flat_size(space))
    except TypeError:  # a kind of space that we do not know
        return UNKNOWN


def _lacking(name: str) -> str | None:
    suite, slash, _ = name.partition("/")
    if not slash or suite not in SUITES:
        return None
    try:
        check_installed(suite)
    except ValueError:
        return f"needs the extra {suite}"
    return None


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4g}"
