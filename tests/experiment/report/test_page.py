"""Reports: one file, nothing fetched, nothing lost, nothing read as markup.

| mutant | fails |
|---|---|
| pictures are linked by path | test_everything_is_inside |
| text is not escaped | test_text_is_shown_as_it_is |
| the last cell of a row is dropped | test_everything_is_inside |
| None is shown as None | test_cells |
| CSV cells are rounded for people | test_a_csv_file_has_every_digit |
| captions are in tables; cells break anywhere | test_what_is_wide_is_scrolled_alone |
"""

import base64
import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from experiment.report.page import (
    Picture,
    Section,
    Table,
    as_text,
    show,
    write_csv,
    write_report,
)

NAN = float("nan")


class Reader(HTMLParser):
    """Cells and text of a page, its pictures, and whether its tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.sources, self.cells = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        assert not {"href", "onclick", "srcset"} & dict(attrs).keys()
        assert tag not in ("script", "link", "iframe", "object")
        if tag == "img":
            self.sources.append(dict(attrs)["src"])
            assert dict(attrs)["alt"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.cells if self.open[-1:] in (["td"], ["th"]) else self.words).append(data)


def page(tmp_path, *sections, title="A title"):
    path = tmp_path / "deep" / "report.html"
    write_report(path, title, sections)
    text = path.read_text(encoding="utf-8")
    read = Reader(text)
    assert not read.open
    return text, read


def test_everything_is_inside(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(bytes(range(256)))
    table = Table(("agent", "return"), [("s5", 0.5), ("gru", 12)], "Two agents.")
    section = Section(
        "Heading", ["First.", "Second."], ["Careful."], [table],
        [Picture(picture, "A curve.")],
    )  # fmt: skip
    text, read = page(tmp_path, section, Section("Another"))
    assert read.cells == ["agent", "return", "s5", "0.500", "gru", "12"]
    words = " ".join(read.words)
    order = ["A title", "Heading", "First.", "Second.", "Careful.", "Two agents.",
             "A curve.", "Another"]  # fmt: skip
    places = [words.index(word) for word in order]
    assert places == sorted(places)
    (source,) = read.sources
    start, data = source.split(",")
    assert start == "data:image/png;base64"
    assert base64.b64decode(data) == picture.read_bytes()
    assert not re.search(r"https?:|//[a-z]|url\(|@import", text)


def test_text_is_shown_as_it_is(tmp_path):
    rude = "<script>a && b</script> \"quoted\" 'too'"
    picture = tmp_path / "a.png"
    picture.touch()
    section = Section(
        rude,
        [rude],
        [rude],
        [Table((rude,), [(rude,)], rude)],
        [Picture(picture, rude)],
    )
    _, read = page(tmp_path, section, title=rude)
    assert "".join(read.cells) == rude * 2
    # The title twice; heading, paragraph, warning, caption of table and of picture.
    assert "".join(read.words).count(rude) == 7


def test_a_row_has_a_cell_for_each_column():
    with pytest.raises(ValueError, match=r"2 cells.*a, b; got 1"):
        Table(("a", "b"), [(1,)])


def test_cells():
    cells = [None, NAN, True, 1234567, 0.123456, 12345.6, 1e-9, "text", np.float64(2)]
    expected = [
        "–",
        "–",
        "yes",
        "1,234,567",
        "0.123",
        "12,300",
        "1.00e-09",
        "text",
        "2.00",
    ]
    assert [show(cell) for cell in cells] == expected


def test_what_is_wide_is_scrolled_alone(tmp_path):
    """A caption in a table is as wide as it, so that its end was out of sight."""
    table = Table(("agent", "return"), [("s5 [a, b]", "0.5 [0.4, 0.6]")], "Caption.")
    text, read = page(tmp_path, Section("Heading", tables=[table]))
    (inside,) = re.findall(r'<div class="wide">(.*?)</div>', text, re.S)
    assert inside.startswith("<table>") and "Caption." not in inside
    assert ".wide { overflow-x: auto" in text and "nowrap" not in text
    # Where a cell breaks, it does so before its interval.
    assert read.cells[-2:] == ["s5 [a,\xa0b]", "0.5 [0.4,\xa00.6]"]


def test_a_csv_file_has_every_digit(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    third = 1 / 3
    write_csv(path, Table(("a, b", "c"), [('x,\n"y"', third), (None, NAN), (10**7, 0)]))
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["a, b", "c"]
    assert rows == [['x,\n"y"', repr(third)], ["", ""], ["10000000", "0"]]


def test_text_lines_up():
    lines = as_text(Table(("agent", "n"), [("long name", 5), ("s5", 1000)])).split("\n")
    assert lines == ["agent          n", "long name      5", "s5         1,000"]
