"""Figures: what is in a panel, what does not collide, and for whom they are drawn.

| mutant | fails |
|---|---|
| each of several curves has a band | test_a_panel_has_one_band_at_most |
| whiskers of several curves stand at one place | test_whiskers_* |
| a legend has all its names in one row | test_labels_never_collide |
| labels beside an axis are not wrapped, or rows no higher | test_labels_never_collide |
| a figure for a paper is as wide as a page's | test_figures_for_a_paper_* |
| a file has its date | test_figures_for_a_paper_* |
| panels are as near as they come | test_numbers_of_neighbouring_* |
| thousandths have a letter | test_ticks_of_small_numbers_* |
| text of an SVG may be markup | test_figures_for_a_paper_* |
"""

import xml.etree.ElementTree as ElementTree
from functools import partial

import numpy as np
import pytest
from matplotlib import rc_context
from matplotlib.collections import LineCollection, PolyCollection

from experiment.report import marks, panels, scales
from experiment.report.marks import Curve
from experiment.report.panels import COLUMN, PAGE
from tests.experiment.report import written

X = np.arange(100.0)
LONG = "gru (learning_rate=0.0001, dt_min=0.00030, state_size=256)"


def lines(number, size=PAGE, labels=None, count=2):
    made, axes = panels.figure(count, size, sharey=True)
    for panel in axes:
        for index in range(number):
            mean = np.sin(X / 9 + index)
            label = labels[index] if labels else f"run {index}"
            points = Curve(X, mean, mean - 1, mean + 1)
            marks.curve(panel, points, index, label, of=number)
        panel.set_title("held-out tasks")
        scales.round_ticks(panel.xaxis)
    panels.name_axes(axes, "environment steps (of each seed)", "return of a trial")
    panels.legend(made, axes)
    return made, axes


@pytest.mark.parametrize("number", [1, 2, 7])
def test_a_panel_has_one_band_at_most(number):
    _, axes = lines(number)
    for panel in axes:
        bands = [x for x in panel.collections if isinstance(x, PolyCollection)]
        spread = [x for x in panel.collections if isinstance(x, LineCollection)]
        assert len(bands) == (number == 1) and len(spread) == (number > 1) * number


@pytest.mark.parametrize("count", [10, 100])
def test_whiskers_stand_beside_each_other(count):
    """And go from low to high of the curve that they are of."""
    x = np.arange(count, dtype=float)
    _, (panel,) = panels.figure(1)
    for place in range(4):
        marks.whiskers(panel, Curve(x, x, x - place, x + 1), place, 4, "#000000")
    ends = [np.array(found.get_segments()) for found in panel.collections]
    places = np.concatenate([found[:, 0, 0] for found in ends])
    assert len(set(places.tolist())) == len(places) > 20
    for place, found in enumerate(ends):
        np.testing.assert_allclose(found[:, 1, 1] - found[:, 0, 1], place + 1)


def one_line(word, size):
    return lines(1, size, [word], count=1)[0]


def drawn_rows(size):
    made, axes = panels.rows(2, [f"{n} {LONG}" for n in range(4)], size)
    for panel in axes:
        panel.set_xlim(0, 12345)
        scales.round_ticks(panel.xaxis)
    return made


FIGURES = {
    "short labels": lambda size: lines(2, size)[0],
    "long labels": lambda size: lines(7, size, [f"{n} {LONG}" for n in range(7)])[0],
    "five panels": lambda size: lines(3, size, count=5)[0],
    "rows": drawn_rows,
}


@pytest.mark.parametrize("size", [PAGE, COLUMN], ids=["page", "column"])
@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_labels_never_collide(draw, size):
    with rc_context(dict(size.style)):
        made = draw(size)
        written.check(made)


@pytest.mark.parametrize("count", [2, 3])
def test_numbers_of_neighbouring_panels_stand_apart(count):
    """Or `45 k` and the 0 beside it are read as one."""
    with rc_context(dict(PAGE.style)):
        made, axes = panels.rows(count, ["ppo s5", "pqn s5"])
        for panel in axes:
            panel.set_xlim(0, 46_000)  # its last number stands at its edge
            scales.round_ticks(panel.xaxis)
        found = written.texts(made)
        letter = made.dpi * 10 / 72
    first, last = ([box for said, box in found if said == at] for at in ("0", "45 k"))
    assert len(first) == len(last) == count
    for one, other in zip(last[:-1], first[1:], strict=True):
        assert other.x0 - one.x1 > letter


def test_ticks_of_small_numbers_are_plain():
    """600 m are no metres, nor minutes."""
    _, (panel,) = panels.figure(1)
    for most, said in ((2.0, ["0", "0.5", "1", "1.5", "2"]), (4000, ["0", "1 k"])):
        panel.set_xlim(0, most)
        scales.round_ticks(panel.xaxis)
        places = panel.xaxis.get_major_locator()()
        found = panel.xaxis.get_major_formatter().format_ticks(places)
        assert found[: len(said)] == said


def test_axes_that_are_shared_are_named_once():
    made, axes = lines(2, count=5)
    assert [bool(panel.get_ylabel()) for panel in axes] == [1, 0, 0, 1, 0]
    assert [bool(panel.get_xlabel()) for panel in axes] == [0, 0, 1, 1, 1]
    assert len({panel.get_ylim() for panel in axes}) == 1 and made


def test_figures_for_a_paper_are_a_column_wide_and_hold_only_text(tmp_path):
    word = "</text><script>alert(1)</script> $x^"
    path, again = tmp_path / "a.png", tmp_path / "b.png"
    for place in (path, again):
        panels.write(partial(one_line, word), place, ("svg", "pdf"))
    assert path.with_suffix(".pdf").read_bytes().startswith(b"%PDF")
    root = ElementTree.parse(path.with_suffix(".svg")).getroot()
    width = float(root.attrib["width"].removesuffix("pt"))
    assert width == pytest.approx(72 * COLUMN.width, abs=0.5)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert "path" in tags and not tags & {"script", "a", "image", "foreignObject"}
    for suffix in (".svg", ".pdf", ".png"):
        one, other = (p.with_suffix(suffix).read_bytes() for p in (path, again))
        assert one == other, suffix
