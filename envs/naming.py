"""What to say about a name that is not known."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

LEAST = 0.7  # likeness below which nothing is guessed
_OF_A_WORD = 0.95  # what it counts to be like a word of a name, and not like all of it


def nearest(wrong: str, known: Iterable[str]) -> str:
    """How a sentence ends: `; did you mean 'x'?` where something known is close."""
    return meant(closest(wrong, known))


def meant(found: str | None) -> str:
    """Likewise, of what was found."""
    return f"; did you mean {found!r}?" if found else "."


def closest(wrong: str, known: Iterable[str]) -> str | None:
    """The known name that is most like `wrong`, if any is like it.

    Where `wrong` begins with a suite ("gymnax/cartpole"), only names of that suite are
    looked at.
    """
    known = [str(name) for name in known]
    suite, slash, _ = wrong.partition("/")
    if slash:
        suites = sorted({name.partition("/")[0] for name in known if "/" in name})
        own = closest(suite, suites)
        if own is not None:
            leaf, prefix = wrong[len(suite) + 1 :], f"{own}/"
            leaves = [n[len(prefix) :] for n in known if n.startswith(prefix)]
            found = closest(leaf.replace("/", "-"), leaves)
            return f"{prefix}{found}" if found else None
    scored = [
        (likeness(wrong, name), -len(name), -place) for place, name in enumerate(known)
    ]
    best, _, place = max(scored, default=(0.0, 0, 0))
    return known[-place] if best >= LEAST else None


def likeness(wrong: str, name: str) -> float:
    """0 to 1: of two names as wholes, or of one and some words of the other in a row.

    Case and separators do not count.
    """
    wrong = _plain(wrong)[:100]
    if not wrong:
        return 0.0
    words = [_plain(word) for word in re.split(r"[\W_]+", name) if word]
    best = _ratio(wrong, "".join(words))
    for first in range(len(words)):
        for last in range(first + 1, len(words) + 1):
            best = max(best, _OF_A_WORD * _ratio(wrong, "".join(words[first:last])))
    return best


def _ratio(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    ratio = matcher.ratio() if matcher.real_quick_ratio() >= LEAST else 0.0
    if len(one) != len(other) or len(one) < 2:
        return ratio
    # One letter is another, or has changed places with its neighbour: in s6 and in gur
    # it is too many of them to be alike as a whole.
    wrong = [at for at, letter in enumerate(one) if letter != other[at]]
    if len(wrong) == 2:
        first, second = wrong
        swapped = one[first] + one[second] == other[second] + other[first]
        return max(ratio, LEAST) if swapped and second == first + 1 else ratio
    return max(ratio, LEAST) if len(wrong) == 1 else ratio


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def unknown(kind: str, word: str, known: Iterable[str]) -> str:
    """A sentence with the nearest known name, or with all of them if few."""
    known = list(known)
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    shown = word if len(word) <= 100 else f"{word[:100]}..."
    return f"{kind} {shown!r}{nearest(word, known)} Known: {listed}."
