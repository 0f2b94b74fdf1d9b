"""A hook of MkDocs: links out of `docs/` work in the site as they do in a checkout.

Pages are read in two places, so they say `../results/x.png` and `../examples/y.py`.
What they name is taken along, under `repository/`: pages as pages, code as a page that
shows it, a folder as a list of its files with all of them, anything else as it is. What
those pages link to comes too. A link to what does not exist is left, and MkDocs warns.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PLACE = "repository"
CODE = {
    **{".py": "python", ".yaml": "yaml", ".toml": "toml", ".bib": "bibtex"},
    **{".sh": "bash", ".sbatch": "bash"},
}
LINK = re.compile(r"(\]\()([^)\s#]*)(#[^)\s]*)?(?=\))")
# What looks like a link in code is none.
FENCE = re.compile(r"^(```|~~~~).*?^\1[^\n]*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)


def resolved(target: str, page: str) -> str | None:
    """The path in the repository that a link means; None if there is no such file.

    Args:
      target: of the link, without its anchor.
      page: path in the repository of the page that has it, "docs/cores.md".
    """
    if not target or ":" in target or target.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    outside = path.startswith("..") or path == "."
    return None if outside or not (ROOT / path).exists() else path


def targets(text: str, page: str) -> Iterator[str]:
    """What a page in Markdown links to, as paths in the repository that exist."""
    for _, target, _ in LINK.findall(FENCE.sub("", text)):
        path = resolved(target, page)
        if path is not None:
            yield path


def is_of_site(path: str) -> bool:
    """Whether MkDocs takes a path of the repository by itself."""
    return path.startswith("docs/") and (ROOT / path).is_file() and path[-3:] != ".py"


def source_of(path: str) -> str:
    """Under which name a path of the repository is among the site's sources."""
    if is_of_site(path):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"{PLACE}/{path}/index.md"
    return f"{PLACE}/{path}.md" if Path(path).suffix in CODE else f"{PLACE}/{path}"


def listed(folder: str) -> list[str]:
    """What is in a folder, as paths in the repository."""
    found = sorted((ROOT / folder).iterdir())
    kept = [x for x in found if x.name != "__pycache__" and x.name[0] != "."]
    return [path.relative_to(ROOT).as_posix() for path in kept]


def page_of(path: str) -> str | None:
    """Markdown that shows a path of the repository; None for what is sent as it is."""
    found = ROOT / path
    if found.is_dir():
        inside = [f"- [{posixpath.basename(x)}]({x})\n" for x in listed(path)]
        return f"# {path}/\n\n{''.join(inside)}"
    if found.suffix in CODE:
        return f"# {path}\n\n~~~~{CODE[found.suffix]}\n{found.read_text()}\n~~~~\n"
    return found.read_text() if found.suffix == ".md" else None


def taken(pages: Mapping[str, str]) -> dict[str, str | None]:
    """What comes along: Markdown by path, None for what is sent as it is.

    Args:
      pages: of `docs/`, Markdown by path in the repository.
    """
    found: dict[str, str | None] = {}
    left = [path for page, text in pages.items() for path in targets(text, page)]
    while left:
        path = left.pop()
        if path in found or is_of_site(path):
            continue
        found[path] = page_of(path)
        if (ROOT / path).is_dir():
            left += listed(path)
        elif path.endswith(".md"):
            left += targets(found[path] or "", path)
    return found


def rewritten(text: str, page: str) -> str:
    """A page in Markdown, its links turned to where the site has what they mean.

    Args:
      text: of the page.
      page: its path in the repository.
    """
    source = source_of(page)
    base = "" if (ROOT / page).is_dir() else page  # lists name paths from the root

    def turned(match: re.Match) -> str:
        before, target, anchor = match.groups()
        path = resolved(target, base)
        if path is None:
            return match[0]
        way = posixpath.relpath(source_of(path), posixpath.dirname(source) or ".")
        return f"{before}{way}{anchor or ''}"

    parts, last = [], 0
    for fence in FENCE.finditer(text):
        parts += [LINK.sub(turned, text[last : fence.start()]), fence[0]]
        last = fence.end()
    return "".join([*parts, LINK.sub(turned, text[last:])])


def on_files(files: Any, config: Any) -> Any:
    """Adds what pages link to outside of `docs/`."""
    from mkdocs.structure.files import File  # only a build has it; tests read the rest

    sources = [file for file in files if file.src_uri.endswith(".md")]
    pages = {f"docs/{file.src_uri}": file.content_string for file in sources}
    for path, text in taken(pages).items():
        has: Any = {"abs_src_path": str(ROOT / path)}
        if text is not None:
            has = {"content": rewritten(text, path)}
        files.append(File.generated(config, source_of(path), **has))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns the links of a page of `docs/`; those that came along are turned."""
    source = page.file.src_uri
    if source.startswith(f"{PLACE}/"):
        return markdown
    return rewritten(markdown, f"docs/{source}")
