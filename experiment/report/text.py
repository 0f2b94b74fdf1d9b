"""Text of others (labels, names, files) as a page or a terminal can show it."""


def safe(text: str, most: int = 200) -> str:
    """One line of printable characters, cut where it gets longer than a person reads.

    Control characters would steer a terminal, lone surrogates (bytes of a folder's name
    that are no UTF-8) cannot be written at all: both are shown as escapes.
    """
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)
