"""What was found, in words, and the page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiment.inside import tables
from experiment.report.page import (
    Picture,
    Section,
    Table,
    show,
    show_interval,
    write_report,
)

if TYPE_CHECKING:
    from experiment.inside.look import Looked

NO_STATES = (
    "Half-lives are of layers whose states decay each at a rate of its own, the same in "
    "every step, and are read by a matrix (core=s5, lru and s4d); in {core}, {which}."
)
NO_BITS = (
    "What can be read out is not said: neither in the hidden state nor in the first "
    "observation does anything differ between episodes."
)
SHARES = (
    "A state's share is that of the variance, over the steps that were played, of what "
    "it adds to the layer's output. States are correlated, so this is not what would be "
    "lost without it; states.csv also has joint shares, which add up to what is there "
    "and may be negative. Overlap: the variances of all states over the variance of "
    "their sum; 1 of states that have nothing to do with each other, more where they "
    "cancel."
)
PROBE = (
    "A linear probe (ridge regression) is trained on all numbers in memory after a "
    "step, in half of the episodes, and tested on the others. Hidden: an entry of the "
    "environment's Markov state when the episode began; seen: of the first "
    "observation. What is not two-valued is cut where it parts the episodes most "
    "evenly. With shuffled labels the same probe is trained on those of other episodes."
)
DENSITY = (
    "The gradient of a decision by an observation: of the logit of the action that was "
    "taken, less the mean of all (of a Gaussian, its means in standard deviations; of "
    "values, the action's; of bins and mixtures, the log-probability), by what the encoder hands on (numbers as they are, integers as "
    "one-hots or embedded, pictures behind their convolutions). Its size is averaged "
    "over all pairs of equal lag within an episode, and the mean made to add up to 1 "
    "over lags. Nothing crosses a reset of memory."
)


def sentences(looked: "Sequence[Looked]", result: Mapping[str, Any]) -> list[str]:
    """What was found, in words."""
    return [*_states(looked, result), *_readout(looked), *_recall(looked)]


def _states(looked: "Sequence[Looked]", result: Mapping[str, Any]) -> list[str]:
    layers, length = looked[0].layers, len(looked[0].played.inside)
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
        found.append(NO_STATES.format(core=result["core"], which=which))
    return found


def _each(values: Sequence[Any]) -> str:
    return "" if len(values) == 1 else " (learner by learner)"


def _readout(looked: "Sequence[Looked]") -> list[str]:
    if looked[0].readout is None:
        return [NO_BITS]
    steps = tables.common(looked)
    known = [
        q for q in range(len(steps)) if not np.isnan(tables.interval(looked, q)[0])
    ]
    if not known:
        return ["Too few episodes were played to read anything out."]
    said = []
    for q in dict.fromkeys((known[0], known[-1])):
        values = show_interval(*tables.interval(looked, q))
        chance, shuffled = (
            float(np.mean([tables.read(one)[index][q] for one in looked]))
            for index in (1, 2)
        )
        said.append(
            f"at step {steps[q]} {values} (chance {chance:.2f}, shuffled labels "
            f"{shuffled:.2f})"
        )
    count = len(looked[0].bits)
    return [
        f"Read out of memory linearly, {count} bit{'s' * (count > 1)} of the start: "
        f"{'; '.join(said)}."
    ]


def _recall(looked: "Sequence[Looked]") -> list[str]:
    if not any(one.lags.density.any() for one in looked):
        return ["No decision hangs on any observation."]
    medians = ", ".join(str(one.lags.median) for one in looked)
    now = np.mean([one.lags.density[0] for one in looked])
    return [
        f"Half of the recall density lies at lags up to {medians}{_each(looked)} of "
        f"{len(looked[0].played.inside) - 1}; {now:.1%} at lag 0, what is in view."
    ]


def layer_table(looked: "Sequence[Looked]") -> Table:
    """A row for each learner and layer that has states of this kind."""
    length = len(looked[0].played.inside)
    rows = [
        (
            f"learner {one.learner}, layer {number}",
            len(layer.own),
            float(layer.half_life.min()),
            float(np.median(layer.half_life)),
            float(layer.half_life.max()),
            layer.typical,
            layer.beyond(length),
            layer.overlap,
        )
        for one in looked
        for number, layer in enumerate(one.layers, 1)
        if layer is not None
    ]
    heads = ("of", "states", "shortest", "median", "longest", "half of shares up to",
             f"share beyond {length}", "overlap")  # fmt: skip
    return Table(heads, rows, f"Half-lives in steps. {SHARES}")


def bit_table(looked: "Sequence[Looked]") -> Table:
    """A row for each bit: what is read of it first, in the middle and last."""
    steps = tables.common(looked)
    each = [one.readout for one in looked if one.readout is not None]
    last = [q for q in range(len(steps)) if not np.isnan(tables.interval(looked, q)[0])]
    last = last or [0]
    chosen = list(dict.fromkeys((last[0], last[len(last) // 2], last[-1])))
    rows = [
        (
            bit.name,
            *(
                float(np.mean([found.accuracy[q, index] for found in each]))
                for q in chosen
            ),
            float(np.mean([found.chance[last[0], index] for found in each])),
            float(np.mean([found.shuffled[last[-1], index] for found in each])),
        )
        for index, bit in enumerate(looked[0].bits)
    ]
    heads = ("bit", *(f"step {steps[q]}" for q in chosen), "chance", "shuffled labels")
    over = f", means over {len(looked)} learners" if len(looked) > 1 else ""
    return Table(heads, rows, f"Held-out accuracy{over}. {PROBE}")


def lag_table(looked: "Sequence[Looked]") -> Table:
    """A row for each learner: where its density lies."""
    rows = [
        (
            f"learner {one.learner}",
            float(one.lags.density[0]),
            one.lags.median,
            int(one.lags.density.argmax()),
        )
        for one in looked
    ]
    heads = ("of", "density at lag 0", "half of it up to lag", "largest at lag")
    return Table(heads, rows, DENSITY)


def write(
    path: Path,
    looked: "Sequence[Looked]",
    result: Mapping[str, Any],
    pictures: Mapping[str, Path],
) -> None:
    """Writes report.html."""
    has_states, has_bits = "states" in pictures, "readout" in pictures
    params = ", ".join(f"{k}={v}" for k, v in result["env_params"].items())
    played = (
        f"{result['env']} ({params}), core {result['core']}, agent {result['agent']}: "
        f"{result['episodes']} episodes of {len(looked)} "
        f"learner{'s' * (len(looked) > 1)}, of up to {result['steps']} steps; actions "
        f"{'the likeliest' if result['greedy'] else 'drawn'}."
    )
    if result["cut"]:
        played += (
            f" {result['cut']} episodes went on after that, and are looked at no "
            "further (steps= says how far)."
        )
    sections = [
        Section("What was played", paragraphs=[played]),
        Section(
            "How long states keep",
            paragraphs=_states(looked, result),
            tables=[layer_table(looked)] if has_states else (),
            pictures=[
                Picture(
                    pictures["states"],
                    "States by half-life and frequency, areas by share of what all add.",
                )
            ]
            if has_states
            else (),
        ),
        Section(
            "What can be read out",
            paragraphs=_readout(looked),
            tables=[bit_table(looked)] if has_bits else (),
            pictures=[
                Picture(
                    pictures["readout"],
                    "Accuracy over steps. The interval is over learners; of a single "
                    "one, over its held-out episodes.",
                )
            ]
            if has_bits
            else (),
        ),
        Section(
            "What actions hang on",
            paragraphs=_recall(looked),
            tables=[lag_table(looked)],
            pictures=[
                Picture(
                    pictures["recall"],
                    "Left: recall density by lag. Right: sizes of gradients, each "
                    "decision a row, each observation a column.",
                )
            ],
        ),
    ]
    write_report(path, f"What the memory of {result['core']} holds", sections)
