"""How often something happens: `50` updates, or `30s`, `5m`, `1h` of wall clock."""

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_TIME = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(s|m|h)", re.ASCII)

Every = int | str  # as a configuration holds it


def seconds(time: str) -> float:
    """Seconds of a time that `check` lets through."""
    number, unit = _matched(time)
    return number * _UNITS[unit]


def check(name: str, every: Every) -> None:
    """Refuses what is neither a number of updates nor a time.

    Raises:
      ValueError: naming both.
    """
    if isinstance(every, int):
        if every < 1:
            raise ValueError(f"{name} must be at least 1; got {every}.")
    elif not _TIME.fullmatch(every) or not 0 < _matched(every)[0] < 1e6:
        raise ValueError(
            f"{name} must be a number of updates, or a time as in 30s, 5m or 1h; "
            f"got {every!r}."
        )


def _matched(time: str) -> tuple[float, str]:
    found = _TIME.fullmatch(time)
    assert found is not None, time
    return float(found[1]), found[2]
