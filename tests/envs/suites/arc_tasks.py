"""Tasks in ARC's own JSON format, made here, since the real ones are downloads.

The rule is to mirror each row, without its first cell. Four tasks, in groups of two: 2
to 4 demonstrations, the second of which lacks a row, and a test (Mini's parser takes no
more); grids of 1 by 2 up to 5 by 5, no two alike.
"""

import json

import numpy as np

GROUPS = ("Mirror", "Other")


def tasks():
    """Name to task, as json has it."""
    draw = np.random.default_rng(0)
    found = {}
    for i, demonstrations in enumerate((2, 3, 4, 3)):
        sizes = [(2 + i - (j == 1), min(3 + i, 5)) for j in range(demonstrations)]
        pairs = [mirrored(draw.integers(10, size=size)) for size in sizes]
        asked = mirrored(draw.integers(10, size=sizes[0]))
        found[f"{GROUPS[i // 2]}/task{i}"] = {"train": pairs, "test": [asked]}
    return found


def mirrored(grid):
    return {"input": grid.tolist(), "output": grid[:, :0:-1].tolist()}


def write(folder, layout, written=None):
    """Writes them below `folder`, as `layout` has it; without groups but in corpus."""
    for name, task in (tasks() if written is None else written).items():
        short = name if layout == "corpus" else name.rpartition("/")[2]
        file = folder / layout / f"{short}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(task))
    return str(folder)
