"""How something was made: when, by which command, from which commit, with what.

Read from manifests, which may be anybody's: whatever stands in them becomes text.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from experiment.report.page import Cell, Section, Table

Entry = Mapping[str, Any]  # of manifest.json: one start
_COMMIT = 12  # letters of it that are told
_MOST = 40  # commands and packages; more is no manifest of ours


def origin(entries: Mapping[str, Sequence[Entry]]) -> Section:
    """What a colleague needs to do it again.

    Args:
      entries: by what was made, its starts: several of what was resumed.
    """
    last = {what: starts[-1] if starts else {} for what, starts in entries.items()}
    versions = {what: _mapping(entry.get("versions")) for what, entry in last.items()}
    packages = dict.fromkeys(str(name) for known in versions.values() for name in known)
    facts = {
        "date": [_text(entry.get("started")) for entry in last.values()],
        "device": [_listed(entry.get("devices")) for entry in last.values()],
        "commit": [_commit(entry.get("commit")) for entry in last.values()],
        "Python": [_text(entry.get("python")) for entry in last.values()],
        **{
            name: [_text(v.get(name)) for v in versions.values()]
            for name in [*packages][:_MOST]
        },
    }
    rows = [(name, *cells) for name, cells in facts.items() if any(cells)]
    caption = "A commit with + had changes that are not in it."
    resumed = [what for what, starts in entries.items() if len(starts) > 1]
    if resumed:
        caption += f" Of the last start: {', '.join(resumed)} had several."
    return Section(
        "How it was made",
        commands=_commands(entries),
        tables=[Table(("", *entries), rows, caption)],
    )


def _commands(entries: Mapping[str, Sequence[Entry]]) -> list[str]:
    """As they were typed, each once."""
    said = [_command(start.get("command")) for of in entries.values() for start in of]
    return list(dict.fromkeys(command for command in said if command))[:_MOST]


def _command(words: Any) -> str:
    return shlex.join(map(str, words)) if isinstance(words, list) else ""


def _commit(found: Any) -> Cell:
    text = _text(found)
    if text is None:
        return None
    return f"{text[:_COMMIT]}{'+' if text.endswith('+') else ''}"


def _listed(found: Any) -> Cell:
    """`cpu`, `8 x NVIDIA H100`."""
    if not isinstance(found, list) or not found:
        return None
    kinds = dict.fromkeys(map(str, found))
    counts = {kind: list(map(str, found)).count(kind) for kind in kinds}
    return ", ".join(f"{n} x {kind}" if n > 1 else kind for kind, n in counts.items())


def _text(found: Any) -> str | None:
    return None if found is None else str(found)


def _mapping(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
