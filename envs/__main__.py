"""Lists environments, or plays one: `python -m envs`, `python -m envs memory_chain`.

Exit status: 0 done; 2 bad input; 130 stopped by Ctrl-C.
"""

import importlib.util
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import envs
from envs import values
from envs.naming import unknown

USAGE = """\
Lists environments, or plays an episode with random actions and draws it.

  python -m envs                     every environment: sizes, step limit, chance, best
  python -m envs popgym              those with popgym in their name; * and ? also work
  python -m envs NAME [key=value ..] plays NAME, prints every step and draws a picture

  seed=0         the episode and the actions follow from it
  steps=2000     stop after so many steps if the episode has not ended
  out=FILE.gif   or FILE.png, up to 16 moments on one sheet (default: runs/NAME.gif)
  KEY=VALUE      a parameter of the environment, as in memory_length=20;
                 env.KEY=VALUE, as train.py writes it, is the same;
                 history=true shows previous action, reward and start flag as well
"""
BAD_INPUT, INTERRUPTED = 2, 130
FRAMES = 200
_KEY_VALUE = re.compile(r"([A-Za-z_][\w.]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Request:
    """What to play, and how."""

    name: str
    params: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    steps: int = 2_000
    out: str | None = None  # null: a name of its own under runs/

    def __post_init__(self):
        for key, least, most in (("seed", 0, 2**32 - 1), ("steps", 1, values.INT32)):
            value = getattr(self, key)
            if type(value) is not int or value < least:
                raise ValueError(
                    f"{key} must be an integer of at least {least}; got {value!r}."
                )
            values.check_number(key, value, most)
        if self.out is not None and not self.out.strip():
            raise ValueError("out= must name a file; it is empty.")
        if self.path.suffix not in (".gif", ".png"):
            raise ValueError(f"out must end in .gif or .png; got {self.out!r}.")

    @property
    def path(self) -> Path:
        """Where the picture goes."""
        if self.out is None:
            return Path(f"runs/{self.name.replace('/', '_')}.gif")
        return Path(os.path.expanduser(self.out))


def request(arguments: list[str]) -> Request:
    """Reads NAME and key=value.

    Raises:
      ValueError: for what is neither, or cannot be.
    """
    name, *rest = arguments
    own, params = {}, {}
    for argument in rest:
        match = _KEY_VALUE.fullmatch(argument)
        if not match:
            wanted = argument.lstrip("-")
            hint = f": write {wanted}" if _KEY_VALUE.fullmatch(wanted) else ""
            raise ValueError(
                f"arguments after {name} must be key=value; got {argument!r}{hint}."
            )
        key, text = match.groups()
        key = key.removeprefix("env.")
        try:
            values.check_text(text)
            value = text if key in ("out", "entry_point") else values.read(text)
        except ValueError as error:
            raise ValueError(f"{argument[:200]!r} cannot be read: {error}.") from None
        (own if key in ("seed", "steps", "out") else params)[key] = value
    return Request(name, params, **own)


def matching(pattern: str) -> tuple[str, ...]:
    """The names to list.

    Raises:
      ValueError: if there are none.
    """
    from envs.show import catalogue

    found = catalogue.matching(pattern)
    if not found:
        raise ValueError(unknown("unknown environment", pattern, envs.names()))
    return found


def show(names: tuple[str, ...]) -> None:
    """Prints the list, each line as soon as its environment has been built."""
    from envs.show import catalogue

    for line in catalogue.lines(names):
        print(line, flush=True)


def built(wanted: Request) -> tuple[Any, Any]:
    """The environment and its parameters.

    Raises:
      ValueError: for an unknown parameter, a value that cannot work, or what is not
        installed.
    """
    params = dict(wanted.params)
    history = params.pop("history", False)
    if not isinstance(history, bool):
        raise ValueError(f"history must be true or false; got {history!r}.")
    envs.check_config(wanted.name, params)
    if importlib.util.find_spec("matplotlib") is None:
        raise ValueError(
            "drawing needs the package matplotlib, which is not installed; install it "
            'with pip install -e ".[train]".'
        )
    return envs.make(wanted.name, history=history, **params)


def play(wanted: Request, env: Any, params: Any) -> None:
    """Plays an episode, prints it and draws it."""
    from envs.drawing import picture as drawing
    from envs.show import catalogue, film, playback, report

    print(report.title(catalogue.entry(wanted.name, env, params), wanted.seed))
    recording = playback.Recording(FRAMES)
    moments = playback.play(env, params, seed=wanted.seed, max_steps=wanted.steps)
    for line in report.lines(env, recording.watch(moments)):
        print(line)
    print(report.summary(recording.moments[-1]), flush=True)
    sheet = wanted.path.suffix == ".png"
    at_most = drawing.SHEET if sheet else None
    frames = film.frames(env, params, recording, wanted.name, at_most)
    try:
        drawing.save(frames, wanted.path)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"{wanted.path} cannot be written: {reason}.") from error
    print(report.drawn(len(frames), len(recording.moments), wanted.path))


def job(arguments: list[str]) -> Callable[[], None]:
    """What the arguments ask for, found to be possible.

    Raises:
      ValueError: saying what is not.
    """
    first = arguments[0] if arguments else "*"
    if first in envs.names() or len(arguments) > 1:
        envs.spec(first)
        wanted = request(arguments)
        return partial(play, wanted, *built(wanted))
    return partial(show, matching(first))


def main(arguments: list[str]) -> int:
    """Does what the arguments say; returns the exit status."""
    if {"--help", "-h"} & set(arguments):
        print(USAGE, end="")
        return 0
    try:
        try:
            work = job(arguments)
        except ValueError as error:
            return refuse(error)
        work()
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:  # the picture cannot be written
        return refuse(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def refuse(error: Exception) -> int:
    """Says what was wrong, in a sentence; returns the exit status for it."""
    text = " ".join(str(error).split())
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    print(f"error: {text}", file=sys.stderr)
    return BAD_INPUT


if __name__ == "__main__":
    # One environment at a time is no work for an accelerator, which may be training.
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    sys.exit(main(sys.argv[1:]))
