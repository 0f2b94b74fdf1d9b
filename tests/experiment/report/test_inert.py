"""Labels, names and files of others are shown, and nothing more comes of them.

| mutant | fails |
|---|---|
| text is not escaped | test_markup_is_shown_* |
| text of a picture may be mathematics | test_a_picture_holds_any_label |
| control characters reach the terminal | test_a_table_steers_no_terminal |
| formulas reach a spreadsheet | test_a_csv_file_holds_no_formula |
"""

import csv
from html.parser import HTMLParser

import pytest

from experiment.report import panels, text
from experiment.report.page import (
    Finding,
    Picture,
    Section,
    Table,
    as_text,
    write_csv,
    write_report,
)

HOSTILE = (
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:x()",
    "'onload='x", "$x^", "a$b$c$", "\\alpha $\\frac$", "$$", "</style><b>", "&lt;",
    "x" * 5000, "a\nb\tc", "\x1b[2Jgone", "\udcff", "\u202egnp.exe", "漢字", "{{7*7}}",
)  # fmt: skip


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "figure"),
    *("figcaption", "img", "div", "table", "thead", "tbody", "tr", "th", "td"),
    *("nav", "ul", "li", "a", "pre"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "alt", "src"),
    *("href", "id"),
}


class Seen(HTMLParser):
    """What a browser would take for markup."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.links = set(), set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value for name, value in attrs if name in ("href", "id")}


@pytest.fixture
def png(tmp_path):
    figure, (panel,) = panels.figure(1)
    panel.plot([0, 1])
    return panels.save(figure, tmp_path / "picture.png")


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_markup_is_shown_as_it_is(tmp_path, png, word):
    table = Table((word, "b"), [(word, 1.0)], caption=word)
    section = Section(word, [word], [word], [word], [table], [Picture(png, word)])
    path, findings = tmp_path / "report.html", [Finding(word, 0)]
    write_report(path, word, [section, section], findings=findings)
    page = (tmp_path / "report.html").read_text()
    seen = Seen()
    seen.feed(page)
    assert seen.tags <= TAGS and seen.attributes <= ATTRIBUTES
    assert seen.links == {"part-0", "part-1", "#part-0", "#part-1"}
    assert page.count("<img") == 2 and 'src="data:image/png' in page
    assert "default-src 'none'" in page and "\x1b" not in page


def test_a_picture_holds_any_label(tmp_path):
    """Also in rows, which ticks write when they are drawn; nothing is warned of."""
    figure, axes = panels.figure(2)
    for place, word in enumerate(HOSTILE):
        axes[0].plot([0, 1], [place] * 2, label=word)
    axes[0].set_title(HOSTILE[4])
    panels.name_rows(axes[1], HOSTILE)
    panels.legend(figure, axes)
    panels.save(figure, tmp_path / "picture.png")
    from matplotlib.text import Text

    assert not any(found.get_parse_math() for found in figure.findobj(Text))


def test_a_table_steers_no_terminal():
    printed = as_text(Table(("name", "x"), [(word, 1) for word in HOSTILE]))
    assert len(printed.splitlines()) == 1 + len(HOSTILE)
    assert printed.replace("\n", "").isprintable()
    printed.encode()
    assert max(map(len, printed.splitlines())) < 300


@pytest.mark.parametrize("word", ["=1+1", "+1", "-2+3", "@SUM(A1)", "=cmd|' /C x'!A0"])
def test_a_csv_file_holds_no_formula(tmp_path, word):
    write_csv(tmp_path / "x.csv", Table((word, "b"), [(word, -1.5), ("s5", None)]))
    with (tmp_path / "x.csv").open(newline="") as file:
        header, first, _ = csv.reader(file)
    assert header[0] == first[0] == f"'{word}" and first[1] == "-1.5"


def test_names_are_cut_where_nobody_reads_on():
    assert text.safe("x" * 10, most=5) == "xxxx…" and text.safe("é ß") == "é ß"
