"""Single bits flipped in the newest checkpoint, and what reading it makes of each.

python -m tests.faults.flips 500      # prints what docs/reliability.md says of it
"""

import contextlib
import io
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiment.errors import InputError
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes

TRAINED = Path(__file__).parents[1] / "data" / "format_1"
OLDER, NEWER = 3, 4  # updates


@dataclass
class Flips:
    """How many flips came out how."""

    fell_back: int = 0  # noticed, and the older checkpoint was read
    same: int = 0  # the newest was read, every number as it was saved
    refused: int = 0  # noticed, and nothing was read
    unnoticed: int = 0  # other numbers were read: what must not be
    files: int = 0

    @property
    def trials(self) -> int:
        return self.fell_back + self.same + self.refused + self.unnoticed

    def __str__(self) -> str:
        return (
            f"{self.trials} single bits flipped in {self.files} files: "
            f"{self.fell_back} noticed (the checkpoint before was read), "
            f"{self.refused} refused, {self.same} in bits that decide no number "
            f"(read as saved), {self.unnoticed} unnoticed."
        )


class Sample:
    """Two checkpoints of a small trained agent, whose every number differs."""

    def __init__(self, folder: Path):
        config = RunFolder(TRAINED).load_config()
        self.like = learner_shapes(build_agent(config), config)
        self.store = Checkpoints(folder, config)
        shutil.copytree(TRAINED / "checkpoints", folder)
        _, learners = self.store.restore(self.like)
        moved = jax.tree.map(lambda x: x + 1, learners.params)
        self.store.save(NEWER, learners._replace(params=moved))
        self.newest = folder / str(NEWER)
        self.saved = {OLDER: plain(learners)}
        self.saved[NEWER] = self.read()[1]

    def read(self) -> tuple[int, list[np.ndarray]]:
        """`(update, numbers)`, as a reader would have them; nothing is printed."""
        with contextlib.redirect_stdout(io.StringIO()):
            update, learners = self.store.restore(self.like)
        return update, plain(learners)


def plain(learners: Any) -> list[np.ndarray]:
    """Every array's numbers."""
    learners = learners._replace(key=jax.random.key_data(learners.key))
    return [np.asarray(leaf) for leaf in jax.tree.leaves(learners)]


def bits(folder: Path, trials: int, seed: int) -> Iterator[tuple[Path, int]]:
    """Random places: first one in every file, then anywhere, each bit as likely."""
    draw = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = [8 * path.stat().st_size for path in files]
    for file, size in zip(files, sizes, strict=True):
        yield file, draw.randrange(size)
    for index in draw.choices(range(len(files)), sizes, k=trials - len(files)):
        yield files[index], draw.randrange(sizes[index])


@contextlib.contextmanager
def flipped(path: Path, bit: int) -> Iterator[None]:
    """Within it, one bit of a file is another."""
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        yield
    finally:
        path.write_bytes(whole)


def flip(trials: int, seed: int = 0) -> Flips:
    """Flips `trials` bits, one at a time, and reads after each."""
    found, files = Flips(), set()
    with tempfile.TemporaryDirectory() as name:
        sample = Sample(Path(name) / "checkpoints")
        for path, bit in bits(sample.newest, trials, seed):
            files.add(path)
            with flipped(path, bit):
                outcome = _outcome(sample)
            setattr(found, outcome, getattr(found, outcome) + 1)
    found.files = len(files)
    return found


def _outcome(sample: Sample) -> str:
    try:
        update, numbers = sample.read()
    except InputError:
        return "refused"
    same = all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes()
        for a, b in zip(numbers, sample.saved[update], strict=True)
    )
    if not same:
        return "unnoticed"
    return "same" if update == NEWER else "fell_back"


if __name__ == "__main__":
    print(flip(int(sys.argv[1])))
