"""Killed, stopped, and out of room: what is lost, and whether the end is the same."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.runs import SMALL, Ended, Place, outcome, reached

# Chosen moments of a save and of a log point (`experiment.faults`).
POINTS = ("before-rename", "in-save", "in-row", "in-log")
# Kilobytes: of a disk on which nothing, a part and nearly all of a run has room.
SIZES = (4, 60, 120, 200, 300, 420)
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)


@dataclass
class Count:
    """One row of the table."""

    fault: str
    trials: int = 0
    survived: int = 0
    lost: list[int] = field(default_factory=list)  # updates that were done again
    said: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def add(self, other: "Count") -> None:
        """Takes in what another one counted."""
        self.trials += other.trials
        self.survived += other.survived
        self.lost += other.lost
        self.said |= other.said
        self.failures += other.failures

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**vars(self), "said": sorted(self.said)}

    def note(self, good: bool, what: str) -> None:
        """Counts a trial."""
        self.trials += 1
        self.survived += good
        if not good:
            self.failures.append(what[-500:])


def random_kills(place: Place, runs: int, kills: int, seed: int) -> Count:
    """Runs that are each killed several times, at moments drawn over their length."""
    rng, count = random.Random(seed), Count("SIGKILL at a random moment")
    whole = outcome(place.base())
    summary = json.loads((place.base() / "summary.json").read_text())
    training = summary["wall_seconds"] - summary["compile_seconds"]
    for number in range(runs):
        folder = place.path / f"killed_{seed}_{number}"
        done = 0
        while done < kills:
            process = place.begin(*place.go_on(folder))
            after = rng.uniform(0.2, 8.0)  # imports and compiling included
            if rng.random() < 0.8:  # while it trains
                after = rng.uniform(0.01, 0.6 * training)
                for line in process.stdout:
                    if "steps/s" in line:
                        break
            ended = place.end(process, after=after)
            if ended.status != 128 + signal.SIGKILL:
                break
            done += 1
            rows, saved = reached(folder) if folder.exists() else (0, 0)
            count.lost.append(max(0, rows - saved))
        ended = place.train(*place.go_on(folder))
        good = ended.status == 0 and outcome(folder) == whole
        for _ in range(max(done, 1)):
            count.note(good, str(ended))
    return count


def chosen_kills(place: Place, repeats: int, seed: int = 0) -> Count:
    """Killed within a save, a log point, and between writing and renaming."""
    rng, count = random.Random(seed), Count("SIGKILL within a write")
    whole = outcome(place.base())
    for point in POINTS:
        for repeat in range(repeats):
            # Of about 2 writes at the start, 100 log points, 20 saves.
            last = {"before-rename": 4, "in-save": 18}.get(point, 95)
            fault = f"{point}:{1 + rng.randrange(last)}=kill"
            folder = place.path / f"{point}_{repeat}"
            ended = place.train(*SMALL, f"run_dir={folder}", fault=fault)
            rows, saved = reached(folder) if folder.exists() else (0, 0)
            count.lost.append(max(0, rows - saved))
            if ended.status != 128 + signal.SIGKILL:
                count.note(False, f"{fault} did not come: {ended}")
                continue
            ended = place.train(*place.go_on(folder))
            count.note(ended.status == 0 and outcome(folder) == whole, str(ended))
    return count


def stopped(place: Place, repeats: int, seed: int = 0) -> Count:
    """Signals that ask: saved before it stops, or nothing begun; status 128 + n."""
    rng, count = random.Random(seed), Count("INT, TERM, HUP, USR1")
    whole = outcome(place.base())
    for number in SIGNALS:
        for repeat in range(repeats):
            folder = place.path / f"stopped_{number}_{repeat}"
            process = place.begin(*SMALL, f"run_dir={folder}")
            if repeat % 2:  # while training; else at any time from the start
                for line in process.stdout:
                    if "steps/s" in line:
                        break
            time.sleep(rng.uniform(0.3, 1.0 if repeat % 2 else 6.0))
            process.send_signal(number)
            ended = place.end(process)
            told = ended.status == 128 + number and "Traceback" not in ended.errors
            early = ended.status == 0  # it was over before the signal came
            count.said |= {x for x in ended.out.splitlines() if "saving, then" in x}
            again = place.train(*place.go_on(folder))
            same = again.status == 0 and outcome(folder) == whole
            count.note((told or early) and same, f"{ended} {again}")
    return count


@contextmanager
def small_disk(path: Path, kilobytes: int) -> Iterator[bool]:
    """A file system of that size, where one may be mounted; says whether it is."""
    path.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(path)]
    try:
        mounted = subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(path)], check=True)


def full_disk(place: Place, sizes: tuple[int, ...]) -> Count:
    """A disk that fills up; then it has room again, and the run goes on."""
    count, whole = Count("disk full"), outcome(place.base())
    for size in sizes:
        disk = place.path / f"disk_{size}"
        with small_disk(disk, size) as mounted:
            fault = "" if mounted else f"in-save:{1 + size % 7}=full"
            folder = disk / "run"
            ended = place.train(*SMALL, f"run_dir={folder}", fault=fault)
            _note_full(count, ended)
            if ended.status != 4:
                continue
            if mounted:
                more = ["mount", "-o", "remount,size=64m", str(disk)]
                subprocess.run(more, check=True)
            again = place.train(*place.go_on(folder))
            same = again.status == 0 and outcome(folder) == whole
            count.note(same, f"{ended} {again}")
    return count


def _note_full(count: Count, ended: Ended) -> None:
    if ended.status == 4 and "Traceback" not in ended.errors:
        count.said.add("..." + ended.sentence[ended.sentence.find(" cannot") :][:66])
    else:
        count.note(False, str(ended))


def second_owners(place: Place, repeats: int) -> Count:
    """`train` and `resume=` into the folder of a run that goes on."""
    count = Count("a second owner")
    folder = place.path / "owned"
    process = place.begin(*SMALL, f"run_dir={folder}", fault="in-log:20=wait")
    for line in process.stdout:
        if "steps/s" in line:
            break
    for repeat in range(repeats):
        mine = (f"resume={folder}",) if repeat % 2 else (*SMALL, f"run_dir={folder}")
        ended = place.train(*mine)
        refused = ended.status == 2 and ended.errors.count("\n") == 1
        count.note(refused, str(ended))
        count.said.add(ended.sentence.replace(str(place.path), "...")[:90])
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    ended = place.train(f"resume={folder}")
    count.note(ended.status == 0 and outcome(folder) == outcome(place.base()), "after")
    return count
