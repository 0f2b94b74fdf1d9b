"""Arms of a bandit, drawn with what was pulled so far; see `envs.drawing.picture`."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from envs.drawing.picture import FAINT, INK, RED

WON = "#3f9a4a"
MOST = 16  # arms that are counted in digits, at most
FEW = 4  # pulls of one arm that do not fill the picture yet


def draw_arms(axes: Any, rates: Any, past: Sequence[tuple[Any, float]]) -> None:
    """Upwards how often each arm pays, downwards how often it was pulled, and won.

    The arm that was pulled last stands out, green if it paid and red if it did not.

    Args:
      axes: to draw on.
      rates: [K] in [0, 1], which the agent does not see.
      past: `(arm, reward)` of every pull so far, the last one last; a reward above zero
        is a win.
    """
    rates, arms = np.asarray(rates), np.arange(len(rates))
    pulled = np.array([int(arm) for arm, _ in past], int)
    paid = np.array([reward > 0 for _, reward in past], bool)
    pulls = np.bincount(pulled, minlength=len(rates))
    wins = np.bincount(pulled[paid], minlength=len(rates))
    # The deepest bar is as deep as a rate can be high, for there are ever more pulls.
    unit = 1 / max(pulls.max(), FEW)
    bars = axes.bar(arms, rates, color=FAINT)
    axes.bar(arms, -unit * pulls, color=FAINT)
    axes.bar(arms, -unit * wins, color=INK)
    if past:
        colour, said = (WON, "won") if paid[-1] else (RED, "lost")
        last = pulled[-1]
        bars[last].set_color(colour)
        place = {"ha": "center", "va": "bottom", "fontsize": 9}
        axes.text(last, rates[last] + 0.01, said, color=colour, **place)
    if len(rates) <= MOST:
        for arm in arms[pulls > 0]:
            place = {"ha": "center", "va": "top", "fontsize": 7}
            counted = f"{wins[arm]}/{pulls[arm]}"
            axes.text(arm, -unit * pulls[arm] - 0.02, counted, color=INK, **place)
    axes.axhline(0, color=INK, lw=0.8)
    axes.set(ylim=(-1.14, 1.1), xlabel="arm", ylabel="won / pulled        pays")
    axes.set_yticks([0, 0.5, 1])
    axes.xaxis.get_major_locator().set_params(integer=True)
