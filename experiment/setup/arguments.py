"""What stands on a command line, read key by key: `key=value`, and nothing else.

A key that is a path or a name is text: its value is kept letter for letter, whatever
YAML would make of it, and only a leading `~` is expanded. Every other value is read by
`envs.values`.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from envs import values
from envs.fields import shown
from experiment.errors import InputError
from experiment.setup import keys

PATHS = ("run_dir", "resume", "run", "runs", "out", "experts", keys.CACHE)
_TEXT = (*PATHS, "labels", "figures", "env.entry_point")
_KEY_VALUE = re.compile(r"\+{0,2}([A-Za-z_]\w*(?:\.\w+){0,4})=(.*)", re.DOTALL)
_FLAG = re.compile(r"--?([A-Za-z_][\w.-]*)(?:=(.*))?", re.DOTALL)


def pairs(argv: Sequence[str], known: Iterable[str]) -> list[tuple[str, str]]:
    """Every argument as `(key, text)`, in order.

    Args:
      argv: what stands behind the program's name.
      known: keys, so that a flag can be answered with how its key is written.

    Raises:
      InputError: for what is not `key=value`, or holds what no key can mean.
    """
    found = []
    for place, argument in enumerate(argv):
        match = _KEY_VALUE.fullmatch(argument)
        if not match:
            raise InputError(_form(argument, argv[place + 1 :], list(known)))
        key, text = match.groups()
        try:
            values.check_text(text)
        except ValueError as error:
            raise InputError(f"{key}={_short(text)} cannot be read: {error}.") from None
        found.append((key, text))
    return found


def _form(argument: str, rest: Sequence[str], known: Sequence[str]) -> str:
    """How to write what was meant by something that is not `key=value`."""
    flag = _FLAG.fullmatch(argument)
    following = rest[0] if rest and not _KEY_VALUE.fullmatch(rest[0]) else None
    said = f"arguments must be key=value; got {shown(argument)}"
    if flag and flag[2] is not None:
        return f"{said}: write {_named(flag[1], known)}={_short(flag[2])}."
    if following == "=":  # key = value
        value = rest[1] if len(rest) > 1 else "..."
        return f"{said}: write {argument}={_short(value)}, without spaces."
    plain = flag[1] if flag else argument
    if following is not None and not following.startswith("-"):
        name = _named(plain, known)
        if flag or name in known:
            got = f"{argument} {_short(following)}"
            return (
                f"arguments must be key=value; got {got!r}: write "
                f"{name}={_short(following)}."
            )
    if flag and _named(plain, known) in known:
        return f"{said}: write {_named(plain, known)}=..."
    if "run" in known and (Path(argument) / "config.yaml").is_file():
        return f"{said}: write run={_short(argument)}."
    return f"{said}; --help lists the keys." if flag else f"{said}."


def _named(flag: str, known: Sequence[str]) -> str:
    """The key that a flag's name means, as well as can be told."""
    name = flag.replace("-", "_")
    return name if name in known else keys.meant(name, known) or name


def read(key: str, text: str, *, as_text: bool = False) -> Any:
    """The value of a key.

    Raises:
      InputError: for an empty path, or what cannot be read.
    """
    if key in PATHS and key != "runs":
        return path(key, text)
    if as_text or key in _TEXT:
        return text
    try:
        return values.read(text)
    except ValueError as error:
        raise InputError(f"{key}={_short(text)} cannot be read: {error}.") from None


def path(key: str, text: str) -> str:
    """A path, letter for letter but for a leading `~`.

    Raises:
      InputError: if it is empty, which an unset variable of a shell leaves: that must
        not mean the working directory.
    """
    if not text.strip():
        raise InputError(f"{key}= must name a file or folder; it is empty.")
    return os.path.expanduser(text)


def put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Sets `a.b.c` in nested mappings.

    Raises:
      InputError: where a or b is something else already.
    """
    *sections, leaf = key.split(".")
    for section in sections:
        tree = tree.setdefault(section, {})
        if not isinstance(tree, dict):
            raise InputError(
                f"{key} cannot be set: {section} is a value ({shown(tree)}) and holds "
                "no keys."
            )
    tree[leaf] = value


def nested(argv: Sequence[str], known: Iterable[str]) -> dict[str, Any]:
    """Arguments as nested data, paths and names as text; the last of equal keys counts.

    Raises:
      InputError: see `pairs`, `read` and `put`.
    """
    tree: dict[str, Any] = {}
    for key, text in pairs(argv, known):
        put(tree, key, read(key, text))
    return tree


def need_text(given: Mapping[str, Any], key: str) -> str | None:
    """The text of a key, None where it was not given.

    Raises:
      InputError: for keys below it, as in `run.x=1`.
    """
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{key} must be text; got {shown(value)}.")
    return value


def _short(text: str) -> str:
    """Not longer than a person reads; control characters as escapes."""
    cut = text if len(text) <= 200 else f"{text[:200]}..."
    return cut if cut.isprintable() else repr(cut)
