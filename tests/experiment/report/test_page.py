"""Reports: one file, nothing fetched, nothing lost, nothing read as markup.

| mutant | fails |
|---|---|
| pictures are linked by path | test_everything_is_inside |
| text is not escaped | test_text_is_shown_as_it_is |
| the last cell of a row is dropped | test_everything_is_inside |
| None is shown as None | test_cells |
| a finding stands below the contents, or all have one colour | test_what_was_found_* |
| a heading becomes an address | test_the_contents_lead_to_the_sections |
| colours are set but for one scheme | test_by_night_every_colour_* |
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
    Finding,
    Picture,
    Section,
    Table,
    as_text,
    show,
    write_csv,
    write_report,
)
from experiment.report.style import STYLE

NAN = float("nan")


class Reader(HTMLParser):
    """Cells and text of a page, its pictures, and whether its tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.sources, self.cells = [], [], [], []
        self.links, self.places = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)
        assert not {"onclick", "srcset"} & dict(attrs).keys()
        if "href" in dict(attrs):
            self.links.append(dict(attrs)["href"])
        if "id" in dict(attrs):
            self.places.append(dict(attrs)["id"])
        assert tag not in ("script", "link", "iframe", "object")
        if tag == "img":
            self.sources.append(dict(attrs)["src"])
            assert dict(attrs)["alt"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.cells if self.open[-1:] in (["td"], ["th"]) else self.words).append(data)


def page(tmp_path, *sections, title="A title", **more):
    path = tmp_path / "deep" / "report.html"
    write_report(path, title, sections, **more)
    text = path.read_text(encoding="utf-8")
    read = Reader(text)
    assert not read.open
    return text, read


def test_everything_is_inside(tmp_path):
    picture = tmp_path / "a.png"
    picture.write_bytes(bytes(range(256)))
    table = Table(("agent", "return"), [("s5", 0.5), ("gru", 12)], "Two agents.")
    section = Section(
        "Heading", ["First.", "Second."], ["Careful."], ["python x.py"], [table],
        [Picture(picture, "A curve.")],
    )  # fmt: skip
    text, read = page(tmp_path, section, Section("Another"))
    assert read.cells == ["agent", "return", "s5", "0.500", "gru", "12"]
    words = " ".join(read.words)
    order = ["A title", "First.", "Second.", "Careful.", "python x.py", "Two agents.",
             "A curve."]  # fmt: skip
    places = [words.index(word) for word in order]
    assert words.count("Heading") == words.count("Another") == 2  # contents, and there
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
        [rude],
        [Table((rude,), [(rude,)], rude)],
        [Picture(picture, rude)],
    )
    more = {"findings": [Finding(rude, 1)]}
    _, read = page(tmp_path, section, Section("Other"), title=rude, **more)
    assert "".join(read.cells) == rude * 2
    # Title and heading twice; finding, paragraph, warning, command, captions.
    assert "".join(read.words).count(rude) == 10


def test_what_was_found_stands_first_and_in_its_colour(tmp_path):
    findings = [Finding("It is.", 1), Finding("Unknown.", 0), Finding("It is not.", -1)]
    text, _ = page(tmp_path, Section("A"), Section("B"), findings=findings)
    tones = re.findall(r'<p class="verdict (\w+)">([^<]*)</p>', text)
    assert tones == [("good", "It is."), ("open", "Unknown."), ("bad", "It is not.")]
    assert text.index("It is not.") < text.index("<nav>")
    for tone in ("good", "open", "bad"):
        assert f"p.{tone} {{ border-color: var(--{tone})" in text


def test_the_contents_lead_to_the_sections(tmp_path):
    _, read = page(tmp_path, Section('"><b id="x'), Section("B"))
    assert read.links == ["#part-0", "#part-1"] and read.places == ["part-0", "part-1"]
    _, read = page(tmp_path, Section("Alone"))
    assert not read.links


def test_by_night_every_colour_is_another(tmp_path):
    """Each is a variable with two values, and nothing else names a colour but white."""
    day, night = re.findall(r":root \{([^}]*)\}", STYLE)
    one, other = (dict(re.findall(r"(--[\w-]+): (#\w+)", at)) for at in (day, night))
    assert one.keys() == other.keys() and not set(one.items()) & set(other.items())
    rest = STYLE.replace(day, "").replace(night, "")
    assert set(re.findall(r"(--[\w-]+)", rest)) == one.keys()
    assert set(re.findall(r"#\w+", rest)) == {"#fff", "#0000"}
    assert "prefers-color-scheme: dark" in STYLE


def contrast(one: str, other: str) -> float:
    """Of two colours, after WCAG 2."""

    def luminance(text):
        text = text[1:] if len(text) == 7 else "".join(2 * c for c in text[1:])
        parts = np.array([int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)])
        linear = np.where(
            parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
        )
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted(map(luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def test_all_text_can_be_read_by_day_and_by_night():
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    for at in re.findall(r":root \{([^}]*)\}", STYLE):
        known = dict(re.findall(r"--([\w-]+): (#\w+)", at))
        grounds = ("page", "code", "on-good", "on-bad", "on-open", "on-care")
        assert all(contrast(known["ink"], known[ground]) > 7 for ground in grounds)
        for name in ("quiet", "link"):
            assert contrast(known[name], known["page"]) > 4.5, name


def test_words_are_read_from_their_beginning(tmp_path):
    table = Table(("agent", "x", "said"), [("s5", "0.5 [0, 1]", "not shown")])
    text, _ = page(tmp_path, Section("Heading", tables=[table]))
    assert '<td>0.5 [0,&nbsp;1]</td><td class="words">not shown</td>' in text


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
