"""What was found, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiment.inside import tables
from experiment.inside.found import Looked
from experiment.report import numbers
from experiment.report.page import show
from experiment.report.verdict import count

NO_STATES = (
    "Half-lives are of layers whose states decay each at a rate of its own, the same "
    "in every step, and are read by a matrix (core=s5, lru and s4d); in {core}, "
    "{which}."
)
NO_BITS = (
    "What can be read out is not said: neither in the hidden state nor in the first "
    "observation does anything differ between episodes."
)
TOO_FEW = "Too few episodes were played, or went on, to read anything out."


def sentences(looked: Sequence[Looked], result: Mapping[str, Any]) -> list[str]:
    """Everything, for a terminal."""
    return [*states(looked, result["core"]), *readout(looked), *recall(looked)]


def states(looked: Sequence[Looked], core: str) -> list[str]:
    """How long states keep, layer by layer; or why that is not said."""
    layers, length = looked[0].layers, tables.length(looked)
    found = []
    for number in (i for i, layer in enumerate(layers) if layer is not None):
        its = [layer for one in looked if (layer := one.layers[number]) is not None]
        beyond = np.mean([layer.beyond(length) for layer in its])
        typical = ", ".join(show(layer.typical) for layer in its)
        found.append(
            f"Layer {number + 1}: half of what states add is of half-lives up to "
            f"{typical} steps{_each(its)}; {beyond:.0%} is of states that keep more "
            f"than half over the {length} steps looked at."
        )
    without = [str(i + 1) for i, layer in enumerate(layers) if layer is None]
    if without:
        which = "no layer is such"
        if found:
            which = f"layer{'s' * (len(without) > 1)} {', '.join(without)} is none"
        found.append(NO_STATES.format(core=core, which=which))
    return found


def readout(looked: Sequence[Looked]) -> list[str]:
    """What is read at the first step and at the last; or why nothing is."""
    if looked[0].readout is None:
        return [NO_BITS]
    found = tables.curves(looked)
    known = np.flatnonzero(~np.isnan(found.accuracy).any(0))
    if not len(known):
        return [TOO_FEW]
    said = [
        f"at step {found.steps[q]} {numbers.interval(*tables.interval(found, q))} "
        f"(chance {found.chance[:, q].mean():.2f}, shuffled labels "
        f"{found.shuffled[:, q].mean():.2f})"
        for q in dict.fromkeys((known[0], known[-1]))
    ]
    bits = count(len(looked[0].bits), "bit")
    return [f"Read out of memory linearly, {bits} of the start: {'; '.join(said)}."]


def recall(looked: Sequence[Looked]) -> list[str]:
    """How far back decisions reach."""
    if not any(one.lags.density.any() for one in looked):
        return ["No decision hangs on any observation."]
    medians = ", ".join(str(one.lags.median) for one in looked)
    now = np.mean([one.lags.density[0] for one in looked])
    return [
        f"Half of the recall density lies at lags up to {medians}{_each(looked)} of "
        f"{tables.length(looked) - 1}; {now:.1%} at lag 0, what is in view."
    ]


def _each(values: Sequence[Any]) -> str:
    return "" if len(values) == 1 else " (learner by learner)"
