"""Pages say what is so: commands that can be meant, numbers that stand elsewhere.

| mutant | fails |
|---|---|
| a command with env.memory_lenght in docs/faq.md | test_commands_can_be_meant |
| `python evaluate.py ... episode=10` in docs/index.md | test_commands_can_be_meant |
| 0.97 for 0.976 in docs/paper.md | test_our_numbers_stand_where_they_are_from |
| a page that mkdocs.yml does not list | test_every_page_is_in_the_navigation |
| a core without a paper in references.bib | test_every_memory_and_agent_has_its_paper |
| a paper by "and others", or by a name without a comma | test_papers_name_all_* |
| a page links to a file that is not there | test_links_lead_somewhere |
"""

import re
import shlex
from pathlib import Path

import pytest
import yaml

import agents
import compare
import evaluate
import s5rl
import train
from experiment.setup import cli, sections
from experiment.setup.request import Request
from experiment.start import RESUMABLE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BIB = DOCS / "references.bib"
NEW = (
    *("index", "which_environment", "adding", "reset", "paper", "faq"),
    *("glossary", "references", "api", "watch", "training", "inside", "reports"),
)
# From a fence or from inline code; quotes are a shell's.
ELSEWHERE = ("env=brax/ant",)  # wants an extra
COMMAND = re.compile(r"(?:^|`)(python (?:-m )?[\w./]+[^`\n]*)", re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    """Those that begin with `python`, as a shell would split them."""
    found = COMMAND.findall((DOCS / f"{page}.md").read_text())
    return [shlex.split(text, comments=True)[1:] for text in found]


def check(script: str, arguments: list[str]) -> None:
    """Reads arguments as the script does, without a run folder; raises if refused."""
    keep = [x for x in arguments if x not in ("--help", "-m")]
    if any("NAME" in x for x in keep):
        return  # the reader's to fill in
    if script == "evaluate.py":
        options = cli.assignments(keep, evaluate.KEYS)
        assert set(options) <= set(evaluate.KEYS) | {"env"}, options
        own = {k: v for k, v in options.items() if k not in evaluate.BESIDE}
        asked = [kind for name, (kind, _) in evaluate.ASKED.items() if name in options]
        kind = asked[0] if asked else Request
        sections.typed(kind, own, also=evaluate.BESIDE)
    elif script == "compare.py":
        compare.options(keep)
    elif any(x.startswith("resume=") for x in keep):
        assert set(cli.assignments(keep)) <= set(RESUMABLE)
    elif not {"env=custom", *ELSEWHERE} & set(keep):  # a module of the reader's
        many = [x for x in keep if "-m" in arguments and "," in x and "[" not in x]
        for name in many:
            key, _, values = name.partition("=")
            for value in values.split(","):
                train.load([*(x for x in keep if x not in many), f"{key}={value}"])
        if not many:
            train.load(keep)


def test_commands_can_be_meant():
    """Of train.py, evaluate.py and compare.py all; of `-m`, that there is a module."""
    seen = set()
    for page in NEW:
        for first, *rest in commands(page):
            if first == "-m":
                place = ROOT / rest[0].replace(".", "/")
                assert place.with_suffix(".py").exists() or place.is_dir(), rest
            elif first.endswith(".py") and "/" not in first:
                check(first, rest)
            else:
                assert (ROOT / first).exists(), first
            seen.add(first)
    assert {"train.py", "evaluate.py", "compare.py", "-m"} <= seen


def test_our_numbers_stand_where_they_are_from():
    """Each cell of a column "ours" of docs/paper.md is on the page of "from"."""
    rows, header, checked = (DOCS / "paper.md").read_text().splitlines(), None, 0
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        if not row.startswith("|"):
            header = None
        elif header is None:
            header = cells
        elif "from" in header and not cells[0].startswith("---"):
            ours = cells[[x.startswith("ours") for x in header].index(True)]
            (target,) = re.findall(r"\]\(([^)]*)\)", cells[header.index("from")])
            page = (DOCS / target).resolve().read_text()
            # Of a list, each; of a mean with an interval, both together.
            for number in re.findall(r"-?\d+\.\d+(?: \[[^]]*\])?", ours):
                assert number in page, (row, number)
                checked += 1
    assert checked > 20


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text()
    listed = set(re.findall(r": (\w+\.md)$", text, re.MULTILINE))
    assert listed == {path.name for path in DOCS.glob("*.md")}


def test_every_memory_and_agent_has_its_paper():
    notes = BIB.read_text().replace("\\_", "_")
    cited = set(re.findall(r"core=(\w+)", notes))
    assert cited == set(s5rl.core_names()) - {"mlp"}
    assert set(re.findall(r"agent=(\w+)", notes)) == set(agents.AGENTS)
    keys = re.findall(r"^@\w+\{(\w+),$", notes, re.MULTILINE)
    assert len(keys) == len(set(keys))
    for entry in re.split(r"^@", notes, flags=re.MULTILINE)[1:]:
        assert entry.count("{") == entry.count("}")
        assert all(f"  {field} = " in entry for field in ("title", "author", "year"))


def test_papers_name_all_their_authors():
    """As "Last, First", joined by "and"; nobody twice."""
    lists = re.findall(r"^  author = \{(.*)\},$", BIB.read_text(), re.MULTILINE)
    assert len(lists) == len(re.findall(r"^@", BIB.read_text(), re.MULTILINE)) > 30
    for names in lists:
        each = names.split(" and ")
        assert len(each) == len(set(each)), names
        for name in each:
            last, _, first = name.partition(", ")
            assert last and first and "," not in first, name


def test_the_citation_has_what_the_format_wants():
    """Fields that Citation File Format 1.2.0 requires."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert cited["authors"] == [{"name": "S5RL contributors"}]
    for work in cited["references"]:
        assert {"type", "title", "authors"} <= set(work)


@pytest.mark.parametrize("page", NEW)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", (DOCS / f"{page}.md").read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        assert (DOCS / target).exists(), target
