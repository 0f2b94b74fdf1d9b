"""What studies share: CSV files that grow by a run, and runs that go on.

A study trains or measures what its CSV file does not hold yet, and writes rows as soon
as they are known; who starts it again goes on where it stopped.
"""

import csv
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def read(path: Path) -> list[dict[str, str]]:
    """What is known already; nothing, if the file is not there yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def append(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    """Adds rows to a file with these columns, which a new one begins with."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """A file of these rows, with the columns of the first."""
    path.unlink(missing_ok=True)
    append(path, list(rows[0]), rows)


def trained(folder: Path, arguments: Sequence[str]) -> None:
    """Trains a run to its end, from where it stands.

    `cpu_seconds.txt` in its folder sums what the processor has done for it. Ends the
    program where a run was stopped or refused: nothing is made of half a run.
    """
    if (folder / "summary.json").exists():
        return
    begun = (folder / "config.yaml").exists()
    command = [f"resume={folder}"] if begun else [*arguments, f"run_dir={folder}"]
    before = processor_seconds()
    subprocess.run(
        [sys.executable, "train.py", *command], cwd=ROOT, check=False,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    if folder.exists():  # it was not refused
        path = folder / "cpu_seconds.txt"
        earlier = float(path.read_text()) if path.exists() else 0.0
        path.write_text(f"{earlier + processor_seconds() - before:.1f}")
    if not (folder / "summary.json").exists():
        raise SystemExit(
            f"{folder} is not trained to its end; the same command goes on."
        )


def transferred(folder: Path, *options: str) -> None:
    """Evaluates a run's transfer, unless that was done."""
    if list(folder.glob("evaluations/transfer-*/result.json")):
        return
    subprocess.run(
        [sys.executable, "evaluate.py", f"run={folder}", "transfer=true", *options],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def processor_seconds() -> float:
    """What this program's ended children have used so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
