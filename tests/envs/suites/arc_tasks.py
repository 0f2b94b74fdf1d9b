"""Tasks in ARC's own JSON format, made here, since the real ones are downloads.

The rule is to mirror each row. Four tasks, in groups of two: 2 to 4 demonstrations and
1 or 2 tests, grids of 2 by 3 up to 5 by 5, no two alike.
"""

import json

import numpy as np

GROUPS = ("Mirror", "Other")


def tasks():
    """Name to task, as json has it."""
    draw = np.random.default_rng(0)
    found = {}
    for i, (demonstrations, tests) in enumerate(((2, 1), (3, 1), (4, 1), (3, 1))):
        size = (2 + i, min(3 + i, 5))
        pairs = [mirrored(draw.integers(10, size=size)) for _ in range(demonstrations)]
        asked = [mirrored(draw.integers(10, size=size)) for _ in range(tests)]
        found[f"{GROUPS[i // 2]}/task{i}"] = {"train": pairs, "test": asked}
    return found


def mirrored(grid):
    return {"input": grid.tolist(), "output": grid[:, ::-1].tolist()}


def write(folder, layout, written=None):
    """Writes them below `folder`, as `layout` has it; without groups but in corpus."""
    for name, task in (tasks() if written is None else written).items():
        short = name if layout == "corpus" else name.rpartition("/")[2]
        file = folder / layout / f"{short}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(task))
    return str(folder)
