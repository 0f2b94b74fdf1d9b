"""The file of answers: a JSON object a line, written as soon as it is known."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# A question is asked again unless its last word is one of these.
FINAL = ("done", "refused")


class Answers:
    """Appends to `answers.jsonl` in a folder, and knows what stands there already."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "answers.jsonl"

    def write(self, question: str, **row: Any) -> None:
        """A line, on the disk before this returns to timing."""
        with self.path.open("a") as file:
            file.write(json.dumps({"question": question, **row}) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """What is there; of a line that a kill cut short, nothing."""
        found = []
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                try:
                    found.append(json.loads(line))
                except ValueError:
                    continue
        return found

    def status(self) -> dict[str, str]:
        """The last word on each question that has one."""
        return {
            row["question"]: row["status"] for row in self.rows() if "status" in row
        }

    def left(self, names: Mapping[str, Any]) -> list[Any]:
        """What is still to be asked: never tried first, and then what failed."""
        status = self.status()
        new = [value for name, value in names.items() if name not in status]
        failed = [
            value
            for name, value in names.items()
            if name in status and status[name] not in FINAL
        ]
        return [*new, *failed]
