"""What pictures share: sizes, panels, colours, legends. Free of matplotlib until
something is drawn.

A run has one colour in every picture, from the palette of Okabe and Ito (2008), which
people with the common colour blindnesses can tell apart; beyond seven runs, line styles
tell them apart as well.
"""

import io
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from experiment import files
from experiment.report.text import safe

PALETTE = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"),
)  # fmt: skip
GREY = "#777777"
_LINES = ("-", "--", "-.", ":")
LETTERS = 60  # of a label in a picture; tables have all of it
_PER_INCH = 13  # letters of a legend
# Of the width, between two panels: or one's last number and the next one's first touch.
_BETWEEN = 0.035


class Size(NamedTuple):
    """What a figure is drawn for."""

    width: float  # inches
    alone: float  # inches, of a single panel
    columns: int  # of panels, at most
    scale: float  # of heights
    letters: int  # in a line of what stands beside an axis
    style: Mapping[str, Any]  # of matplotlib


_SMALL = {"axes.titlesize": "medium", "legend.fontsize": "small"}
PAGE = Size(9.6, 7.0, 3, 1.0, 30, _SMALL | {"font.size": 10, "lines.linewidth": 1.8})
# A column of a paper with two of them, in the size of its small print.
_PRINT = _SMALL | {"font.size": 7, "lines.linewidth": 1.1, "lines.markersize": 3,
                   "axes.linewidth": 0.6, "legend.fontsize": 6.5}  # fmt: skip
COLUMN = Size(3.25, 3.25, 1, 0.66, 22, _PRINT)
# Letters of a PDF stay letters, and equal figures are equal files.
_FILES = {"pdf.fonttype": 42, "svg.hashsalt": "s5rl"}
_UNDATED = {"png": None, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def look(index: int) -> dict[str, Any]:
    """Colour and line style of the run at this place."""
    turn, place = divmod(index, len(PALETTE))
    return {"color": PALETTE[place], "linestyle": _LINES[turn % len(_LINES)]}


def figure(
    count: int,
    size: Size = PAGE,
    *,
    height: float = 2.9,
    sharex: bool = False,
    sharey: bool = False,
):
    """A figure of `count` panels, and the list of them.

    Args:
      count: of panels.
      size: what it is for.
      height: of a panel on a page, in inches.
      sharex: whether all have one axis of x; likewise `sharey`.
      sharey: see there.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    columns = min(count, size.columns)
    columns = 2 if (count, columns) == (4, 3) else columns
    rows = -(-count // columns)
    width = size.alone if columns == 1 else size.width
    inches = (width, rows * height * size.scale)
    between = ConstrainedLayoutEngine(wspace=_BETWEEN * (columns - 1))
    made = Figure(figsize=inches, layout=between)
    FigureCanvasAgg(made)  # for a legend to be measured
    grid = list(
        made.subplots(rows, columns, squeeze=False, sharex=sharex, sharey=sharey).flat
    )
    for panel in grid:
        panel.spines[["top", "right"]].set_visible(False)
    for panel in grid[count:]:
        panel.set_visible(False)
    for panel in grid[max(0, count - columns) : count]:
        panel.tick_params(labelbottom=True)  # though there is a hidden one below
    return made, grid[:count]


def rows(count: int, labels: Sequence[str], size: Size = PAGE, *, sharex: bool = False):
    """Panels with a run on each line, as high as names of several lines need."""
    most = max((wrapped(label, size).count("\n") for label in labels), default=0)
    height = 1.1 + (0.36 + 0.18 * most) * len(labels)
    made, panels = figure(count, size, height=height, sharex=sharex, sharey=True)
    for panel in panels:
        name_rows(panel, labels, size)
        panel.locator_params(axis="x", nbins=4)
    return made, panels


def name_axes(panels: Sequence[Any], x: str, y: str) -> None:
    """What axes are called: once for those that stand below or beside one another."""
    places = [panel.get_subplotspec() for panel in panels]
    lowest = {spec.colspan.start: spec.rowspan.start for spec in places}
    for panel, spec in zip(panels, places, strict=True):
        if spec.rowspan.start == lowest[spec.colspan.start]:
            panel.set_xlabel(x)
        if spec.colspan.start == 0:
            panel.set_ylabel(y)


def name_rows(panel: Any, labels: Sequence[str], size: Size = PAGE) -> None:
    """Puts a run on each line of the vertical axis, the first one on top."""
    # Ticks write their labels again when they are drawn.
    shown = [wrapped(label, size) for label in labels]
    panel.set_yticks(range(len(labels)), shown)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)


def wrapped(label: str, size: Size) -> str:
    """A label in as many lines as it takes beside an axis, three or so."""
    return textwrap.fill(safe(label, most=LETTERS), size.letters)


def legend(made: Any, panels: Sequence[Any]) -> None:
    """One legend under all panels, which get no smaller by it.

    What stands in several panels is named once, in as many columns as there is room.
    """
    handles: dict[str, Any] = {}
    letters = int(_PER_INCH * made.get_figwidth())
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            shown = textwrap.fill(safe(label, most=LETTERS), letters)
            handles.setdefault(shown, handle)
    if not handles:
        return
    for columns in range(len(handles), 0, -1):
        box = made.legend(
            list(handles.values()), list(handles), loc="outside lower center",
            ncols=columns, frameon=False,
        )  # fmt: skip
        _leave_text_alone(made)  # or it cannot be measured
        with _any_script():
            extent = box.get_window_extent(made.canvas.get_renderer())
        if columns == 1 or extent.width < 0.98 * made.bbox.width:
            made.set_figheight(made.get_figheight() + extent.height / made.dpi)
            return
        box.remove()


@contextmanager
def _any_script() -> Iterator[None]:
    """A label may be in any script; what the font lacks is drawn as a box."""
    with warnings.catch_warnings():
        for said in ("Glyph .* missing from font", "constrained_layout not applied"):
            warnings.filterwarnings("ignore", said)
        yield


def _leave_text_alone(made: Any) -> None:
    """No text is read as mathematics (a label may hold `$`), and none is endless."""
    from matplotlib.text import Text

    for text in made.findobj(Text):
        text.set_parse_math(False)
        lines = text.get_text().split("\n")
        text.set_text("\n".join(safe(line, most=LETTERS) for line in lines))


def write(draw: Callable[[Size], Any], path: Path, formats: Sequence[str] = ()) -> Path:
    """Draws for a page, as a PNG; and in other formats for a column of a paper.

    Args:
      draw: a figure of a size.
      path: of the PNG; the others lie beside it.
      formats: of them, "svg" or "pdf".
    """
    from matplotlib import rc_context

    for form, size in (("png", PAGE), *((form, COLUMN) for form in formats)):
        style: dict[Any, Any] = {**size.style, **_FILES}
        with rc_context(style):
            save(draw(size), path.with_suffix(f".{form}"))
    return path


def save(made: Any, path: Path) -> Path:
    """Writes a picture, whole or not at all (`experiment.files.write`)."""
    files.make_folder(path.parent, f"{path.parent} cannot be made")
    _leave_text_alone(made)
    picture, form = io.BytesIO(), path.suffix[1:]
    with _any_script():
        made.savefig(picture, format=form, dpi=150, metadata=_UNDATED[form])
    files.write(path, picture.getvalue())
    return path
