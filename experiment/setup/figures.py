"""Which formats figures are wanted in, beside the PNG of a page. Free of matplotlib."""

FORMATS = ("svg", "pdf")


def formats(text: str | None) -> tuple[str, ...]:
    """`svg,pdf` and `[svg,pdf]` alike; none where nothing was asked for.

    Raises:
      ValueError: for anything else.
    """
    if text is None:
        return ()
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    found = tuple(part.strip() for part in inside.split(","))
    if not set(found) <= {*FORMATS} or len(set(found)) != len(found):
        raise ValueError(f"figures must be svg, pdf or svg,pdf; got {text[:80]!r}.")
    return found
