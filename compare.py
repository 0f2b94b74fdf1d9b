"""Draws several runs together: `python compare.py runs=RUN_DIR,RUN_DIR`.

    runs='runs/memory-*'        patterns too, passing over what is no finished run
    labels=s5,gru               one for each run; else the core, and what differs
    out=comparisons/<time>      the folder to write
    figures=svg,pdf             pictures for a column of a paper, beside the page's

Learning curves, interquartile means, performance profiles, wall clock and parameter
counts; and how each run adapts and transfers, where it was evaluated for that (python
evaluate.py run=RUN_DIR transfer=true). Everything as PNG and CSV, and together in
report.html, which opens without a network.

    field='runs/field/*'        instead: the table that papers print of a search
    by=core                     what its rows are; columns are environments
    fresh='runs/fresh/*'        numbers of other learners than those chosen by

Each cell is the best of the settings tried, their number beside it; as text, CSV,
Markdown and LaTeX (docs/field.md). Exit status: 0 done; 2 bad input;
4 the machine failed; 128 + n stopped by signal n.
"""

from experiment import entry

if __name__ == "__main__":
    entry.begin()

import sys
from collections.abc import Sequence

from experiment.errors import InputError
from experiment.setup import arguments, cli, figures, keys

FLAGS = ("--help", "-h")
FIELD = ("field", "by", "fresh")
KEYS = ("runs", "labels", "out", "figures", *FIELD)


def options(argv: Sequence[str]) -> dict[str, str]:
    """Arguments by key.

    Raises:
      InputError: for what is not `key=value`, or an unknown key.
    """
    found = {}
    for key, text in arguments.pairs(argv, KEYS):
        if key not in KEYS:
            raise InputError(keys.unknown(key, KEYS))
        found[key] = arguments.read(key, text, as_text=True)
    return found


def listed(text: str) -> list[str]:
    """`[A,B]` and `A,B` alike."""
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [part.strip() for part in inside.split(",") if part.strip()]


def compare(given: dict[str, str]) -> None:
    """Checks the request, then compares."""
    from experiment.compare import compared

    if any(key in given for key in FIELD):
        return search(given)
    names = paths(given, "runs")
    if not names:
        raise InputError(
            "runs=RUN_DIR,RUN_DIR must say what to compare; none is named."
        )
    try:
        wanted = figures.formats(given.get("figures"))
    except ValueError as error:
        raise InputError(str(error)) from error
    runs = compared.read(names, listed(given.get("labels", "")))
    folder = compared.choose_folder(given.get("out"))
    # Only now, for importing SciPy and matplotlib takes seconds and errors should not.
    from experiment.compare import report as comparison_report

    print(comparison_report.write(runs, folder, wanted))


def paths(given: dict[str, str], key: str) -> list[str]:
    """What a key lists, each a path or a pattern."""
    return [arguments.path(key, name) for name in listed(given.get(key, ""))]


def search(given: dict[str, str]) -> None:
    """Makes the table of a field."""
    from experiment.compare import compared, field

    beside = [key for key in ("runs", "labels", "figures") if key in given]
    if beside or not paths(given, "field"):
        got = f"got {beside[0]}=" if beside else "none is named"
        raise InputError(f"field='runs/field/*' must say which runs were tried; {got}.")
    names = paths(given, "field")
    found = field.read(names, given.get("by", "core"), paths(given, "fresh"))
    folder = compared.choose_folder(given.get("out"), field.REPORT)
    from experiment.compare import field_table  # SciPy takes a second

    print(field_table.write(found, folder, names))


def main() -> int:
    """Exit status."""
    given = sys.argv[1:]
    found = options([argument for argument in given if argument not in FLAGS])
    if not given or cli.wants(given, "--help", "-h"):
        print((__doc__ or "").strip())
        return 0
    compare(found)
    return 0


if __name__ == "__main__":
    sys.exit(entry.status_of(main))
