"""The page of what was found."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envs import titles
from experiment.inside import tables, words
from experiment.inside.found import Looked
from experiment.report.origin import Entry, origin
from experiment.report.page import Picture, Section, Table, write_report
from experiment.report.verdict import count

SHARES = (
    "A state's share is that of the variance, over the steps that were played, of "
    "what it adds to the layer's output. States are correlated, so this is not what "
    "would be lost without it; states.csv also has joint shares, which add up to what "
    "is there and may be negative. Overlap: the variances of all states over the "
    "variance of their sum; 1 of states that have nothing to do with each other, more "
    "where they cancel, less where they agree."
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
    "values, the action's; of bins and mixtures, the log-probability), by what the "
    "encoder hands on (numbers as they are, integers as one-hots or embedded, pictures "
    "behind their convolutions). Its size is averaged over all pairs of equal lag "
    "within an episode, and the mean made to add up to 1 over lags. Nothing crosses a "
    "reset of memory."
)


def layer_table(looked: Sequence[Looked]) -> Table:
    """A row for each learner and layer that has states of this kind."""
    length = tables.length(looked)
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


def bit_table(looked: Sequence[Looked]) -> Table:
    """A row for each bit: what is read of it first, in the middle and last."""
    found = tables.curves(looked)
    known = np.flatnonzero(~np.isnan(found.accuracy).any(0))
    known = known if len(known) else np.arange(len(found.steps))
    chosen = list(dict.fromkeys((known[0], known[len(known) // 2], known[-1])))
    accuracy, chance, shuffled = tables.by_bit(looked)
    last = chosen[-1]
    rows = [
        (
            bit.name,
            *map(float, accuracy[chosen, index]),
            float(chance[last, index]),
            float(shuffled[last, index]),
        )
        for index, bit in enumerate(looked[0].bits)
    ]
    heads = (
        *("bit", *(f"step {found.steps[q]}" for q in chosen)),
        *("chance", "shuffled labels"),
    )
    over = f", means over {len(looked)} learners" if len(looked) > 1 else ""
    return Table(heads, rows, f"Held-out accuracy{over}. {PROBE}")


def lag_table(looked: Sequence[Looked]) -> Table:
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
    looked: Sequence[Looked],
    result: Mapping[str, Any],
    pictures: Mapping[str, Path],
    made: Mapping[str, Sequence[Entry]],
) -> None:
    """Writes report.html.

    Args:
      path: of it.
      looked: at each learner, what was found.
      result: as in result.json.
      pictures: by name, where there are such.
      made: of the run and of the evaluation, what its manifest says of each start.
    """

    def shown(name: str, caption: str) -> list[Picture]:
        return [Picture(pictures[name], caption)] if name in pictures else []

    sections = [
        Section("What was played", paragraphs=[_played(looked, result)]),
        Section(
            "How long states keep",
            paragraphs=words.states(looked, result["core"]),
            tables=[layer_table(looked)] if "states" in pictures else (),
            pictures=shown(
                "states", "States by half-life and frequency, areas by shares."
            ),
        ),
        Section(
            "What can be read out",
            paragraphs=words.readout(looked),
            tables=[bit_table(looked)] if "readout" in pictures else (),
            pictures=shown(
                "readout",
                "Accuracy over steps. The interval is over learners; of a single one, "
                "over its held-out episodes.",
            ),
        ),
        Section(
            "What actions hang on",
            paragraphs=words.recall(looked),
            tables=[lag_table(looked)],
            pictures=shown(
                "recall",
                "Left: recall density by lag. Right: sizes of gradients, each decision "
                "a row, each observation a column.",
            ),
        ),
        origin(made),
    ]
    write_report(path, f"What the memory of {result['core']} holds", sections)


def _played(looked: Sequence[Looked], result: Mapping[str, Any]) -> str:
    played = titles.described(result["env"], result["env_params"])
    said = (
        f"{played}, core {result['core']}, agent {result['agent']}: "
        f"{result['episodes']} episodes of each of {count(len(looked), 'learner')}, of "
        f"up to {result['steps']} steps; actions "
        f"{'the likeliest' if result['greedy'] else 'drawn'}."
    )
    if result["cut"]:
        said += (
            f" {count(result['cut'], 'episode')} went on after that, and are looked at "
            "no further (steps= says how far)."
        )
    return said
