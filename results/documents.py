"""Tables of the documents that are made from results: Markdown, put between marks.

A document has `<!-- name -->` and `<!-- end of name -->`, each in a line of its own,
where the table `name` stands; a study's program puts it there, and a test asks that it
is the one that the results give.
"""

from collections.abc import Sequence
from pathlib import Path


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *lines))


def has(text: str, name: str) -> bool:
    """Whether a document has a place for a table."""
    return f"<!-- {name} -->" in text


def written(text: str, name: str) -> str:
    """What stands in a document between the marks of a table."""
    return text.split(f"<!-- {name} -->\n")[1].split(f"<!-- end of {name} -->")[0]


def put(path: Path, name: str, made: str) -> None:
    """Replaces what stands between the marks of a table."""
    text = path.read_text()
    head, tail = text.split(f"<!-- {name} -->\n{written(text, name)}")
    path.write_text(f"{head}<!-- {name} -->\n{made}\n{tail}")
