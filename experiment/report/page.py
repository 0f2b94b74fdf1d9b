"""A report in one HTML file: text, tables and pictures, opened without a network."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from experiment import files
from experiment.report.numbers import digits
from experiment.report.text import safe

Cell = str | int | float | bool | None

_BRACKETS = re.compile(r"\[[^]]*\]")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1.2rem; color: #1a1a1a;
       background: #fff; font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; }
h2 { font-size: 1.2rem; margin-top: 2.4rem; border-bottom: 1px solid #ccc; }
p { max-width: 46rem; }
p.warning { border-left: 4px solid #d55e00; background: #fdf3ec; padding: .4rem .8rem; }
figure { margin: 1.2rem 0; }
figcaption { max-width: 46rem; color: #444; font-size: .88rem; padding-bottom: .4rem; }
img { max-width: 100%; height: auto; }
.wide { overflow-x: auto; background: /* shadows where there is more to the side */
        linear-gradient(to right, #fff 40%, #fff0) 0 / 2.4rem 100% no-repeat local,
        linear-gradient(to left, #fff 40%, #fff0) 100% / 2.4rem 100% no-repeat local,
        linear-gradient(to right, #0003, #0000) 0 / .7rem 100% no-repeat,
        linear-gradient(to left, #0003, #0000) 100% / .7rem 100% no-repeat; }
table { border-collapse: collapse; font-size: .9rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right;
         vertical-align: baseline; }
th { border-bottom: 2px solid #888; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; min-width: 6.5rem; }
"""


@dataclass(frozen=True)
class Table:
    """Named columns; None where there is nothing to say."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""

    def __post_init__(self):
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row must have {len(self.columns)} cells, one for each of "
                    f"{', '.join(self.columns)}; got {len(row)}."
                )


@dataclass(frozen=True)
class Picture:
    """A PNG on disk, and what is seen in it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in this order."""

    heading: str
    paragraphs: Sequence[str] = ()
    warnings: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()


def write_report(path: Path, title: str, sections: Sequence[Section]) -> None:
    """Writes one self-contained HTML file; pictures are copied into it.

    All text is shown as it is: markup in it is not read as markup, and the page lets
    nothing run and fetches nothing, should some get through.
    """
    body = "\n".join(_section(section) for section in sections)
    files.make_folder(path.parent, f"{path.parent} cannot be made")
    files.write(
        path,
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<h1>{_shown(title)}</h1>\n{body}\n</body>\n</html>\n",
    )


def write_csv(path: Path, table: Table) -> None:
    """Writes a table with every digit; None and NaN are empty cells.

    Text that a spreadsheet would take for a formula gets a quote before it.
    """
    files.make_folder(path.parent, f"{path.parent} cannot be made")
    files.write_csv(
        path, [[_cell(cell) for cell in row] for row in (table.columns, *table.rows)]
    )


def _cell(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return "" if _nothing(cell) else cell
    text = cell.encode("utf-8", "backslashreplace").decode()
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def as_text(table: Table) -> str:
    """A table for a terminal, columns aligned."""
    cells = [list(table.columns), *([show(c) for c in row] for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *rest in cells:
        padded = [cell.rjust(w) for cell, w in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *padded]).rstrip())
    return "\n".join(lines)


def show(cell: Cell) -> str:
    """A cell as a person reads it: integers whole, three digits of other numbers."""
    if _nothing(cell):
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return digits(cell)
    return safe(str(cell))


def _nothing(cell: Cell) -> bool:
    return cell is None or cell != cell  # NaN


def _shown(text: str) -> str:
    """Text as HTML shows it; paragraphs may be long."""
    return escape(safe(text, most=20_000))


def _section(section: Section) -> str:
    parts = [f"<h2>{_shown(section.heading)}</h2>"]
    parts += [f"<p>{_shown(text)}</p>" for text in section.paragraphs]
    parts += [f'<p class="warning">{_shown(text)}</p>' for text in section.warnings]
    parts += [_table(table) for table in section.tables]
    parts += [_picture(picture) for picture in section.pictures]
    return "\n".join(parts)


def _table(table: Table) -> str:
    head = "".join(f"<th>{_shown(name)}</th>" for name in table.columns)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_unbroken(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    # Apart from the table: it is read whole where the table has to be scrolled.
    caption = f"<figcaption>{_shown(table.caption)}</figcaption>\n"
    return (
        f"<figure>{caption if table.caption else ''}"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div></figure>"
    )


def _unbroken(cell: Cell) -> str:
    """What stands in brackets stays on one line, where there is little room.

    A cell `0.51 [0.49, 0.53]` then breaks before its interval, and nowhere else.
    """
    text = _shown(show(cell))
    return _BRACKETS.sub(lambda found: found[0].replace(" ", "&nbsp;"), text)


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.path.read_bytes()).decode("ascii")
    caption = _shown(picture.caption)
    return (
        f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
