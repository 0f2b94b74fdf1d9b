"""Makes docs/reliability.md's table: `python -m tests.faults [--quick] [PLACE]`.

All of it is 60 kills, 16 signals, 6 full disks, 6 second owners, 1,000 flipped bits and
1,000 refused command lines: about 25 minutes on two cores. What was counted is kept in
results/reliability.json. PLACE keeps the runs for a look; else they lie in a temporary
folder and go.
"""

import json
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path

from tests.faults import flips, kills, refusals
from tests.faults.kills import Count
from tests.faults.runs import Place
from tests.fresh import ROOT

TABLE = ROOT / "docs" / "reliability.md"
COUNTED = ROOT / "results" / "reliability.json"
BEGIN, END = "<!-- made by python -m tests.faults -->", "<!-- end -->"


def experiments(place: Place, quick: bool) -> Iterator[Callable[[], Count]]:
    """Every fault of the table."""
    chains = 2 if quick else 12
    for number in range(chains):
        yield lambda number=number: kills.random_kills(place, 1, 4, seed=number)
    yield lambda: kills.chosen_kills(place, 1 if quick else 3)
    yield lambda: kills.stopped(place, 1 if quick else 4)
    yield lambda: kills.full_disk(place, (100, 400) if quick else kills.SIZES)
    yield lambda: kills.second_owners(place, 2 if quick else 6)


def counted(place: Place, quick: bool) -> list[Count]:
    """Runs them, two at a time, and then what needs no process of its own."""
    place.base()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: one(), experiments(place, quick)))
    rows: dict[str, Count] = {}
    for count in found:
        rows.setdefault(count.fault, Count(count.fault)).add(count)
    flipped = flips.flip(40 if quick else 1000)
    bits = Count("a bit of the newest checkpoint flipped")
    bits.trials = flipped.trials
    bits.survived = flipped.trials - flipped.unnoticed - flipped.refused
    bits.said = {"it is set aside, and the checkpoint before is read"}
    refused = refusals.refuse(20 if quick else 1000)
    lines = Count("a command line that cannot be meant")
    lines.trials, lines.survived = refused.trials, refused.trials - len(refused.wrong)
    lines.failures = [str(one)[:300] for one in refused.wrong]
    lines.said = {"status 2, one sentence, no folder left"}
    return [*rows.values(), bits, lines]


def table(rows: list[Count]) -> str:
    """As Markdown."""
    lines = ["| fault | trials | survived | updates done again | what the user reads |"]
    lines.append("|---|---|---|---|---|")
    for row in rows:
        mean = sum(row.lost) / len(row.lost) if row.lost else 0.0
        again = f"{mean:.0f} (most {max(row.lost)})" if row.lost else "none"
        said = "; ".join(sorted(row.said)[:3]) or "nothing"
        lines.append(
            f"| {row.fault} | {row.trials:,} | {row.survived:,} | {again} | {said} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Exit status 1 where something did not survive."""
    quick = "--quick" in sys.argv
    places = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    began = time.time()
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(places[0] if places else temporary)
        path.mkdir(parents=True, exist_ok=True)
        rows = counted(Place(path.resolve()), quick)
    minutes = (time.time() - began) / 60
    made = (
        f"Made on {date.today()} by `python -m tests.faults` in {minutes:.0f} minutes: "
        f"Python {platform.python_version()}, jax {version('jax')}, CPU."
    )
    print(table(rows), made, *(f for row in rows for f in row.failures), sep="\n")
    if not quick:
        COUNTED.write_text(json.dumps([row.as_json() for row in rows], indent=2) + "\n")
        text = TABLE.read_text()
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        TABLE.write_text(f"{head}{BEGIN}\n{table(rows)}\n\n{made}\n{END}{tail}")
    return int(any(row.survived < row.trials for row in rows))


if __name__ == "__main__":
    sys.exit(main())
