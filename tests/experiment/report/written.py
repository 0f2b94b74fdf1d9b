"""What is written in a figure, and where: nothing may stand on anything else."""

from itertools import combinations

from matplotlib.text import Text


def check(made):
    """Refuses a figure whose texts touch, or stand out of it."""
    for panel in made.axes:  # ticks that are out of sight are not drawn
        if not panel.get_visible():
            panel.remove()
    found = texts(made)
    whole = made.bbox.expanded(1.01, 1.01)
    for said, box in found:
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1, said
        assert whole.y0 <= box.y0 and box.y1 <= whole.y1, said
    for (one, ours), (other, theirs) in combinations(found, 2):
        assert not ours.shrunk(0.98, 0.98).overlaps(theirs), (one, other)


def texts(made):
    """Boxes of all that is written, by what it says."""
    made.canvas.draw()
    unseen = {
        label
        for panel in made.axes
        for axis in (panel.xaxis, panel.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not _is_between(tick.get_loc(), *axis.get_view_interval())
    }
    return [
        (text.get_text(), text.get_window_extent())
        for text in made.findobj(Text)
        if text.get_visible() and text.get_text().strip() and text not in unseen
    ]


def _is_between(place, one, other):
    return min(one, other) <= place <= max(one, other)
