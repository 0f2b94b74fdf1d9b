"""Pictures of an episode: a canvas for renderers, captions, a GIF or a contact sheet.

A renderer is a method `render(state, params)` of an environment that gives an RGB
picture, [height, width, 3] uint8. Matplotlib (and Pillow, which comes with it) is
imported when something is drawn.
"""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 320  # of a frame, in pixels
TITLE, CAPTION = 20, 40  # heights of the strips above and below its picture
SHEET = 16  # frames on a contact sheet, at most
COLUMNS = 4
RED, INK, FAINT = "#c0392b", "#202020", "#b8b8b8"


def picture(draw: Callable[[Any], None]) -> np.ndarray:
    """What `draw(axes)` draws, [320, 320, 3] uint8; the axes are hidden at first."""
    return figure(lambda fig: _on_axes(fig, draw))


def figure(draw: Callable[[Any], None]) -> np.ndarray:
    """What `draw(figure)` draws on an empty figure, [320, 320, 3] uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fig = Figure(figsize=(4, 4), dpi=WIDTH / 4, layout="constrained")
    canvas = FigureCanvasAgg(fig)
    draw(fig)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def drawn(
    render: Callable[..., Any],
    state: Any,
    params: Any,
    past: Iterable[tuple[Any, float]],
) -> Any:
    """What `render(state, params)` draws; one that takes `past` is told it as well.

    Args:
      render: of an environment whose state does not say what was done, if it takes it.
      state: drawn.
      params: of the environment.
      past: `(action, reward)` of every step of the episode so far, the last one last;
        gone through only where it is told.
    """
    if "past" in inspect.signature(render).parameters:
        return render(state, params, past=list(past))
    return render(state, params)


def _on_axes(fig, draw):
    axes = fig.add_subplot()
    axes.set_axis_off()
    draw(axes)


def captioned(image: np.ndarray, lines: list[str], title: str) -> Any:
    """A Pillow image WIDTH pixels wide: title, picture, and lines of text below it."""
    from PIL import Image, ImageDraw

    height, width = image.shape[:2]
    scale = max(1, WIDTH // max(height, width))
    image = np.asarray(image).repeat(scale, 0).repeat(scale, 1)
    shown = Image.fromarray(image)
    if shown.width > WIDTH:
        shown = shown.resize((WIDTH, round(height * WIDTH / width)))
    bottom = TITLE + shown.height
    frame = Image.new("RGB", (WIDTH, bottom + CAPTION), "white")
    frame.paste(shown, ((WIDTH - shown.width) // 2, TITLE))
    pen = ImageDraw.Draw(frame)
    where = {"fill": INK, "font": _font(pen, title), "anchor": "mt"}
    pen.text((WIDTH / 2, 5), title, **where)
    for row, line in enumerate(lines):
        y = bottom + 4 + 17 * row
        pen.text((8, y), line, fill=INK, font=_font(pen, line))
    return frame


def _font(pen: Any, line: str, width: int = WIDTH, size: int = 12) -> Any:
    """The largest size in which the line fits; matplotlib's, for it has card suits."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    path = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
    font = ImageFont.truetype(str(path), size)
    too_wide = pen.textlength(line, font) / (width - 16)
    return font if too_wide <= 1 else font.font_variant(size=max(7, size / too_wide))


def save(frames: list[Any], out: Path) -> None:
    """Writes Pillow images as a GIF, or as a contact sheet if `out` ends in .png."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".png":
        contact_sheet(frames).save(out)
        return
    # About twenty seconds in all, but no frame too quick or too slow to be followed.
    pause = int(np.clip(20_000 / len(frames), 60, 600))
    frames[0].save(
        out,
        save_all=True,
        append_images=frames[1:],
        duration=[*[pause] * (len(frames) - 1), 2_000],
        loop=0,
    )


def rows(titled: list[tuple[str, list[Any]]]) -> Any:
    """Frames on one image, a row each with its title above.

    Args:
      titled: title and frames of a row, at most COLUMNS; all frames have one size.
    """
    from PIL import Image, ImageDraw

    width, height = next(frame.size for _, frames in titled for frame in frames)
    gap, head = 6, 24
    columns = max(len(frames) for _, frames in titled)
    size = (columns * (width + gap) + gap, len(titled) * (height + head + gap) + gap)
    sheet = Image.new("RGB", size, FAINT)
    pen = ImageDraw.Draw(sheet)
    for row, (title, frames) in enumerate(titled):
        y = gap + row * (height + head + gap)
        pen.text((gap + 2, y + 3), title, fill=INK, font=_font(pen, title, size[0], 15))
        for column, frame in enumerate(frames):
            sheet.paste(frame, (gap + column * (width + gap), y + head))
    return sheet


def contact_sheet(frames: list[Any]) -> Any:
    """All frames on one image, COLUMNS in a row."""
    from PIL import Image

    width, height = frames[0].size
    gap = 6
    columns = min(COLUMNS, len(frames))
    rows = -(-len(frames) // columns)
    size = (columns * (width + gap) + gap, rows * (height + gap) + gap)
    sheet = Image.new("RGB", size, FAINT)
    for i, frame in enumerate(frames):
        row, column = divmod(i, columns)
        sheet.paste(frame, (gap + column * (width + gap), gap + row * (height + gap)))
    return sheet
