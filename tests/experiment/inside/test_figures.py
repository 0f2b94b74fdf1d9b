"""Pictures of what a memory holds: labels never touch, whatever was found.

| mutant | fails |
|---|---|
| recall density keeps all ticks | test_labels_of_densities_never_touch |
| states keep all ticks | test_labels_of_states_never_touch |
| ticks are taken away from the largest on | test_zero_and_the_largest_stay |
"""

import numpy as np
import pytest
from matplotlib import rc_context

from experiment.inside import figures, lags
from experiment.inside.found import Looked
from experiment.inside.played import Played
from experiment.inside.states import States
from experiment.report.panels import COLUMN, PAGE
from tests.experiment.report import written

pytestmark = pytest.mark.parametrize("size", [PAGE, COLUMN], ids=["page", "column"])

STEPS = 40
# Of a density: its axis is linear up to a thousandth, near a power of ten or far.
LARGEST = (1.0, 0.5, 0.11, 0.0999, 0.09, 0.05, 0.02, 0.0101)


def looked(largest, frequency=0.1):
    """A learner whose density is geometric."""
    steps = np.arange(STEPS)
    density = largest * 0.8**steps
    cells = np.tril(np.ones((STEPS, STEPS)))
    cells[cells == 0] = np.nan
    found = lags.Lags(density, np.ones(STEPS, int), steps, cells)
    inside = np.ones((STEPS, 4), bool)
    half_life = np.array([0.5, 3.0, 40.0, 2e6])
    each = np.full(4, 0.25)
    turns = frequency * np.array([1.0, 0.1, 1e-2, 0.0])
    layer = States(half_life, turns, each, each, 1.0)
    return Looked(0, Played(None, inside, 0, 1), steps, [layer] * 2, [], None, found)


def drawn(draw, size, *found):
    with rc_context(dict(size.style)):
        made = draw(found, "memory_chain · s5 · ppo", size)
        written.check(made)
    return made


@pytest.mark.parametrize("largest", LARGEST)
def test_labels_of_densities_never_touch(largest, size):
    drawn(figures.recall, size, looked(largest))


@pytest.mark.parametrize("frequency", [0.5, 5e-3])
def test_labels_of_states_never_touch(frequency, size):
    drawn(figures.states, size, looked(0.1, frequency), looked(0.1))


def test_zero_and_the_largest_stay(size):
    """And there is a tick for nothing else than a power of ten."""
    made = drawn(figures.recall, size, looked(0.09))
    low, high = made.axes[0].get_ylim()
    ticks = [tick for tick in made.axes[0].get_yticks() if low <= tick <= high]
    assert ticks[0] == 0 and ticks[-1] == pytest.approx(0.1) and len(ticks) > 2
    for tick in ticks[1:]:
        assert np.log10(tick) == pytest.approx(round(np.log10(tick)))
