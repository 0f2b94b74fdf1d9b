"""What pictures with several runs share: colours, panels, legends. Free of matplotlib
until something is drawn.

A run has one colour in every picture, from the palette of Okabe and Ito (2008), which
people with the common colour blindnesses can tell apart; beyond seven runs, line styles
tell them apart as well.
"""

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiment import files
from experiment.report.text import safe

PALETTE = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"),
)  # fmt: skip
GREY = "#777777"
_LINES = ("-", "--", "-.", ":")
_PER_ROW = 3
LETTERS = 60  # of a label in a picture; tables have all of it


def look(index: int) -> dict[str, Any]:
    """Colour and line style of the run at this place."""
    turn, place = divmod(index, len(PALETTE))
    return {"color": PALETTE[place], "linestyle": _LINES[turn % len(_LINES)]}


def figure(
    count: int, *, width: float = 3.4, height: float = 2.9, sharey: bool = False
):
    """A figure of `count` panels of this size in inches, and the list of its panels."""
    from matplotlib.figure import Figure

    columns = count if count <= _PER_ROW else (2 if count == 4 else _PER_ROW)
    rows = -(-count // columns)
    made = Figure(figsize=(columns * width, rows * height), layout="constrained")
    grid = made.subplots(rows, columns, squeeze=False, sharey=sharey)
    panels = list(grid.flat)
    for panel in panels:
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[count:]:
        panel.set_visible(False)
    return made, panels[:count]


def band(panel: Any, curve: Any, index: int, label: str, **options: Any) -> None:
    """A line and the interval around it, where there is one."""
    style = look(index) | options
    panel.plot(curve.x, curve.mean, label=label, linewidth=1.8, **style)
    if np.isfinite(curve.low).any():
        panel.fill_between(
            curve.x,
            curve.low,
            curve.high,
            color=style["color"],
            alpha=0.15,
            linewidth=0,
        )


def mark(line: Callable, levels: Iterable[tuple[str, float | None]]) -> list[float]:
    """Draws known levels with `axhline` or `axvline`; returns them."""
    known = []
    for style, (name, level) in zip((":", "--"), levels, strict=True):
        if level is not None:
            line(
                level, color=GREY, linestyle=style, linewidth=1.2, label=name, zorder=0
            )
            known.append(level)
    return known


def limits(values: list[Any], intervals: list[Any]) -> tuple[float, float] | None:
    """Room around all finite values, and for their intervals as far as they are sane.

    An interval over few seeds can be far wider than anything that happened: it gets
    half of the range of the values on each side, and is cut there.
    """
    inside = _finite(values)
    if not inside.size:
        return None
    low, high = inside.min(), inside.max()
    span = high - low or abs(high) or 1.0
    around = np.concatenate([inside, _finite(intervals)])
    least, most = max(around.min(), low - span / 2), min(around.max(), high + span / 2)
    margin = 0.08 * (most - least or span)
    return float(least - margin), float(most + margin)


def fit(setter: Callable, values: list[Any], intervals: list[Any]) -> None:
    """Calls an axis' `set_xlim` or `set_ylim` with `limits`, if there are any."""
    found = limits(values, intervals)
    if found is not None:
        setter(*found)


def _finite(values: list[Any]) -> np.ndarray:
    flat = np.concatenate([np.zeros(0), *(np.ravel(value) for value in values)])
    return flat[np.isfinite(flat)]


def round_ticks(axis: Any) -> None:
    """A few ticks of large numbers: 500 k, 1 M."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(EngFormatter(sep=" "))


def name_rows(panel: Any, labels: Sequence[str]) -> None:
    """Puts a run on each line of the vertical axis, the first one on top."""
    # Ticks write their labels again when they are drawn.
    panel.set_yticks(
        range(len(labels)), [safe(label, most=LETTERS) for label in labels]
    )
    panel.set_ylim(len(labels) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)


def bin_width(count: int) -> int:
    """Trials to a point: single pulls of a bandit are hard to look at."""
    return max(1, count // 40)


def binned(values: np.ndarray, width: int) -> np.ndarray:
    """[M, C] means over `width` rows of [K, C] each, over fewer at the end.

    A bound's mean bounds the mean, so bands stay honest and get no narrower.
    """
    starts = np.arange(0, len(values), width)
    return np.stack([values[start : start + width].mean(0) for start in starts])


def legend(made: Any, panels: Sequence[Any]) -> None:
    """One legend under all panels; what stands in several is named once."""
    handles: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    room = made.get_figwidth() / (0.085 * max(map(len, handles), default=1) + 0.6)
    columns = int(min(max(1, room), len(handles) or 1))
    made.legend(
        list(handles.values()),
        list(handles),
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=9,
    )


def _leave_text_alone(made: Any) -> None:
    """No text is read as mathematics (a label may hold `$`), and none is endless."""
    from matplotlib.text import Text

    for text in made.findobj(Text):
        text.set_parse_math(False)
        text.set_text(safe(text.get_text(), most=LETTERS))


def save(made: Any, path: Path) -> Path:
    """Writes the PNG, whole or not at all (`experiment.files.write`)."""
    files.make_folder(path.parent, f"{path.parent} cannot be made")
    _leave_text_alone(made)
    picture = io.BytesIO()
    with warnings.catch_warnings():
        # A label may be in any script; what the font lacks is drawn as a box.
        for said in ("Glyph .* missing from font", "constrained_layout not applied"):
            warnings.filterwarnings("ignore", said)
        made.savefig(picture, format="png", dpi=150)
    files.write(path, picture.getvalue())
    return path
