"""What to say about a name that is not known."""

import difflib
from collections.abc import Iterable


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known name, or with all of them if few."""
    known = list(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    guess = f"; did you mean {near[0]!r}" if near else ""
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"{kind} {word!r}{guess}? Known: {listed}."
