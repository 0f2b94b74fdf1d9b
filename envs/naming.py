"""What to say about a name that is not known."""

import difflib
from collections.abc import Iterable


def nearest(wrong: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'` where something known is close to `wrong`, else nothing."""
    close = difflib.get_close_matches(str(wrong), list(known), n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}" if close else ""


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known name, or with all of them if few."""
    known = list(known)
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return f"{kind} {word!r}{nearest(word, known)}? Known: {listed}."
