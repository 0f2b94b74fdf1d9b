"""A report in one HTML file: text, tables and pictures, opened without a network."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from experiment import files
from experiment.report.numbers import digits
from experiment.report.style import STYLE
from experiment.report.text import safe

Cell = str | int | float | bool | None

_BRACKETS = re.compile(r"\[[^]]*\]")
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


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
class Finding:
    """What was found, in one line that is read first.

    Its colour says what its words say, and no more: `sign` is 1 where it is shown, -1
    where the opposite is, and 0 where neither is (as of a `Verdict`).
    """

    text: str
    sign: int


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it, in this order."""

    heading: str
    paragraphs: Sequence[str] = ()
    warnings: Sequence[str] = ()
    commands: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()


def write_report(
    path: Path,
    title: str,
    sections: Sequence[Section],
    *,
    findings: Sequence[Finding] = (),
) -> None:
    """Writes one self-contained HTML file; pictures are copied into it.

    What was found stands first, then a list of what is in the page. All text is shown
    as it is: markup in it is not read as markup, and the page lets nothing run and
    fetches nothing, should some get through.
    """
    now = f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"
    parts = [f"<h1>{_shown(title)}</h1>", f'<p class="date">Written {_shown(now)}</p>']
    parts += [_finding(finding) for finding in findings]
    parts += [_contents(sections)] if len(sections) > 1 else []
    parts += [_section(section, place) for place, section in enumerate(sections)]
    body = "\n".join(parts)
    files.make_folder(path.parent, f"{path.parent} cannot be made")
    files.write(
        path,
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_shown(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n",
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


_TONES = {1: "good", 0: "open", -1: "bad"}


def _finding(finding: Finding) -> str:
    return f'<p class="verdict {_TONES[finding.sign]}">{_shown(finding.text)}</p>'


def _contents(sections: Sequence[Section]) -> str:
    """Links to the sections, by number: no text becomes an address."""
    links = "\n".join(
        f'<li><a href="#part-{place}">{_shown(section.heading)}</a></li>'
        for place, section in enumerate(sections)
    )
    return f"<nav>Contents\n<ul>\n{links}\n</ul></nav>"


def _section(section: Section, place: int) -> str:
    parts = [f'<h2 id="part-{place}">{_shown(section.heading)}</h2>']
    parts += [f"<p>{_shown(text)}</p>" for text in section.paragraphs]
    parts += [f'<p class="warning">{_shown(text)}</p>' for text in section.warnings]
    parts += [f"<pre>{_shown(text)}</pre>" for text in section.commands]
    parts += [_table(table) for table in section.tables]
    parts += [_picture(picture) for picture in section.pictures]
    return "\n".join(parts)


def _table(table: Table) -> str:
    kinds = [
        ' class="words"' if all(map(_is_words, column)) else ""
        for column in zip(*table.rows, strict=True)
    ] or [""] * len(table.columns)
    head = _cells("th", map(_shown, table.columns), kinds)
    rows = "\n".join(
        f"<tr>{_cells('td', map(_unbroken, row), kinds)}</tr>" for row in table.rows
    )
    # Apart from the table: it is read whole where the table has to be scrolled.
    caption = f"<figcaption>{_shown(table.caption)}</figcaption>\n"
    return (
        f"<figure>{caption if table.caption else ''}"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div></figure>"
    )


def _cells(tag: str, texts: Iterable[str], kinds: Sequence[str]) -> str:
    return "".join(
        f"<{tag}{kind}>{text}</{tag}>" for text, kind in zip(texts, kinds, strict=True)
    )


def _is_words(cell: Cell) -> bool:
    """Whether it is read from its beginning, and not down a column of numbers."""
    return isinstance(cell, str) and not cell[:1].isdigit() and cell[:1] not in "-–"


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
        f'<figure><div class="wide"><img alt="{caption}" '
        f'src="data:image/png;base64,{data}"></div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )
