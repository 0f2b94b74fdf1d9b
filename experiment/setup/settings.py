"""Settings that train side by side, in one program: `sweep.agent.learning_rate=[...]`.

    sweep.agent.learning_rate=[1e-4,1e-3] sweep.agent.discount=[0.95,0.99]   all four
    sweep.agent.learning_rate=log(1e-4,1e-2) sweep.samples=32                32 draws

What changes no shape is a number that a program can be given, so a setting is an axis
as seeds are: learner `setting * num_seeds + seed`. Free of JAX.
"""

import dataclasses
import itertools
import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from envs.fields import shown
from experiment.errors import InputError
from experiment.setup import keys

SWEEP = "sweep"
SAMPLES, HALVE_AT, SETTINGS = "samples", "halve_at", "settings"
SECTIONS = ("core", "agent")  # whose numbers can be swept
MOST = 10_000  # settings
_RANGE = re.compile(r"\s*(log|uniform)\(([^,()]+),([^,()]+)\)\s*")

Setting = Mapping[str, float]  # by key: {"agent.learning_rate": 1e-3}


@dataclass(frozen=True)
class Sweep:
    """What of a run differs from learner to learner; of no settings, nothing does."""

    settings: tuple[Setting, ...] = ()
    # shares of training after which the worse half of the settings stops
    halve_at: tuple[float, ...] = field(default=())

    def __post_init__(self):
        if not self.halve_at:
            return
        shares = self.halve_at
        whole = all(0 < share < 1 for share in shares)
        if not whole or any(a >= b for a, b in itertools.pairwise(shares)):
            raise ValueError(
                f"{SWEEP}.{HALVE_AT} must be rising shares of training between 0 and "
                f"1; got {list(shares)}."
            )
        if len(self.settings) < 2 ** len(shares):
            raise ValueError(
                f"{SWEEP}.{HALVE_AT} halves {len(shares)} times, which takes "
                f"{2 ** len(shares)} settings; got {len(self.settings)}."
            )

    def __bool__(self):
        return bool(self.settings)

    @property
    def keys(self) -> tuple[str, ...]:
        """What is swept."""
        return tuple(self.settings[0]) if self.settings else ()

    def numbers(self, section: str, num_seeds: int) -> dict[str, list[float]]:
        """[S] of each learner, by the name that it has in a section."""
        return {
            key.partition(".")[2]: [
                setting[key] for setting in self.settings for _ in range(num_seeds)
            ]
            for key in self.keys
            if key.startswith(f"{section}.")
        }

    def said(self, setting: int) -> str:
        """A setting as it would be typed."""
        return " ".join(
            f"{key}={value:g}" for key, value in self.settings[setting].items()
        )

    def facts(self, setting: int) -> dict[str, Any]:
        """What an evaluation's result.json says of the setting that it played."""
        return (
            {"setting": {"number": setting, **self.settings[setting]}} if self else {}
        )


def by_section(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What stands under "agent.discount", as sections have it."""
    found: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        section, _, name = key.partition(".")
        found.setdefault(section, {})[name] = value
    return found


def sweepable(classes: Mapping[str, type]) -> list[str]:
    """Keys of what changes no shape.

    Args:
      classes: configuration classes by section.
    """
    return [
        f"{section}.{part.name}"
        for section in SECTIONS
        if section in classes
        for part in dataclasses.fields(classes[section])
        if part.metadata.get("swept")
    ]


def read(
    given: Any,
    classes: Mapping[str, type],
    seed: int,
    alone: Callable[[Mapping[str, Any]], Setting],
) -> Sweep:
    """The settings that a section `sweep` asks for, or lists.

    Args:
      given: what stands under `sweep`, on a command line or in a config.yaml.
      classes: configuration classes by section.
      seed: of the run, from which is drawn.
      alone: checks a setting as if it were given alone; the same, with its numbers as
        the configuration has them.

    Raises:
      InputError: for what cannot be swept, is no list or range of numbers, or would be
        refused by itself.
    """
    if not isinstance(given, Mapping):
        raise InputError(
            f"{SWEEP} is set by key, as in {SWEEP}.agent.learning_rate=[1e-4,1e-3]; "
            f"got {SWEEP}={shown(given)}."
        )
    rest = dict(given)
    shares = rest.pop(HALVE_AT, ())
    if SETTINGS in rest:
        found = rest.pop(SETTINGS)
    else:
        samples = rest.pop(SAMPLES, None)
        if not rest:
            raise InputError(f"{SWEEP} must name a key; it has none.")
        found = _expanded(keys.flat(rest), sweepable(classes), samples, seed)
    if not isinstance(found, list | tuple) or not found:
        raise InputError(
            f"{SWEEP}.{SETTINGS} must be a list of settings; got {shown(found)}."
        )
    try:
        return Sweep(tuple(alone(one) for one in found), _shares(shares))
    except ValueError as error:
        raise InputError(str(error)) from error


def _shares(given: Any) -> tuple[float, ...]:
    shares = given if isinstance(given, list | tuple) else [given]
    if not all(_is_number(share) for share in shares):
        raise InputError(
            f"{SWEEP}.{HALVE_AT} must be a list of numbers; got {shown(given)}."
        )
    return tuple(map(float, shares))


def _expanded(
    given: Mapping[str, Any], known: Sequence[str], samples: Any, seed: int
) -> list[dict[str, Any]]:
    """Every combination, or so many draws."""
    choices = {key: _choice(key, value, known) for key, value in given.items()}
    if samples is None:
        for key, (kind, ends) in choices.items():
            if kind:
                raise InputError(
                    f"{SWEEP}.{key}={kind}({ends[0]:g},{ends[1]:g}) is drawn from: say "
                    f"how many settings with {SWEEP}.{SAMPLES}=32."
                )
        count = math.prod(len(values) for _, values in choices.values())
        _check_count(count)
        product = itertools.product(*(values for _, values in choices.values()))
        return [dict(zip(choices, values, strict=True)) for values in product]
    if isinstance(samples, float) and samples.is_integer():
        samples = int(samples)
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 1:
        raise InputError(
            f"{SWEEP}.{SAMPLES} must be a positive integer; got {shown(samples)}."
        )
    _check_count(samples)
    draws = {
        key: _drawn(kind, values, random.Random(f"{seed}/{key}"))
        for key, (kind, values) in choices.items()
    }
    return [{key: next(draw) for key, draw in draws.items()} for _ in range(samples)]


def _check_count(count: int) -> None:
    if count > MOST:
        raise InputError(f"{SWEEP} makes {count:,} settings; at most {MOST:,}.")


def _choice(key: str, value: Any, known: Sequence[str]) -> tuple[str, Sequence[float]]:
    """`("", values)`, or `("log" or "uniform", [low, high])`.

    Raises:
      InputError: for a key that cannot be swept, or what is neither.
    """
    if key not in known:
        raise InputError(
            f"{SWEEP}.{key} cannot be: in one program, only numbers that change no "
            f"shape can differ ({', '.join(known)}). Others are runs of their own: "
            f"--multirun {key}=...,..."
        )
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    if found:
        try:
            low, high = float(found[2]), float(found[3])
        except ValueError:
            low, high = math.nan, math.nan
        if not low < high or not math.isfinite(high - low):
            raise InputError(
                f"{SWEEP}.{key}={value} must have two numbers, the lower first."
            )
        if found[1] == "log" and low <= 0:
            raise InputError(
                f"{SWEEP}.{key}={value} must have positive ends: it draws logarithms."
            )
        return found[1], [low, high]
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(map(_is_number, values)):
        raise InputError(
            f"{SWEEP}.{key} must be a list of numbers, log(low,high) or "
            f"uniform(low,high); got {shown(value)}."
        )
    return "", [float(value) for value in values]


def _drawn(kind: str, values: Sequence[float], draw: random.Random) -> Iterator[float]:
    """Draws without end."""
    while True:
        if kind == "log":
            low, high = map(math.log, values)
            yield math.exp(draw.uniform(low, high))
        elif kind:
            yield draw.uniform(*values)
        else:
            yield draw.choice(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
