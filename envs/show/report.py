"""An episode as text: a line for each step, the return at the end."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from envs.show import words
from envs.show.catalogue import Entry
from envs.show.playback import Moment

_WIDEST = 60  # of the column of observations, unless the first one is wider


def title(entry: Entry, seed: int) -> str:
    """What is played, in two lines."""
    limit = "no step limit" if entry.steps is None else f"at most {entry.steps} steps"
    return (
        f"{entry.name}: {entry.measures}\n"
        f"observation {entry.observation}, actions {entry.actions}, {limit}; "
        f"random actions, seed {seed}"
    )


def lines(env: Any, moments: Iterable[Moment]) -> Iterator[str]:
    """Step, observation, then what was done there and what it gave.

    The last line shows where the episode ended, and how.
    """
    moments = iter(moments)
    before = next(moments)
    shown = words.observation(env, before.obs, first=True)
    width = max(len("observation"), min(len(shown) + 6, max(_WIDEST, len(shown))))
    form = f"{{:>5}}  {{:{width}}}  {{:>12}}  {{:>12}}"
    yield form.format("step", "observation", "action", "reward")
    for moment in moments:
        action, reward = words.action(env, moment.action), signed(moment.reward or 0)
        yield form.format(before.time, shown, action, reward)
        before, shown = moment, words.observation(env, moment.obs)
    yield f"{before.time:>5}  {shown:{width}}  {ending(before) or '...'}"


def summary(last: Moment) -> str:
    """The return, and why it is the last."""
    how = ending(last) or "the episode goes on: ask for more with steps="
    return f"return {signed(last.total)} after {last.time} steps ({how})"


def drawn(count: int, moments: int, out: Path) -> str:
    """How much of the episode is in the picture."""
    return f"{count} of {moments} moments drawn: {out}"


def ending(moment: Moment) -> str:
    """The flags that ended an episode, in words; empty while it goes on."""
    flags = (("terminated", moment.terminated), ("truncated", moment.truncated))
    return " and ".join(name for name, flag in flags if flag)


def signed(x: float) -> str:
    """Six digits and a sign; zero has none."""
    return f"{x:+.6g}" if x else "0"
