"""JaxARC's tasks: files of ARC's own JSON format, from a folder that you have.

The package brings no task; by itself it clones a repository of them into the working
directory. Here nothing is downloaded: `data_path=` is that repository's clone, or any
folder of such files, `{"train": [{"input": [[0, 1], ...], "output": ...}, ...], "test":
...}`. Of AGI1 and AGI2, `split` is training or evaluation, one folder each.

`tasks=[...]` names which are played, by file name without .json, or a folder of them
(ConceptARC's groups); by default all. They are sorted by name, so that a seed draws the
same everywhere (the package takes them in the file system's order). `grid_size=10`
leaves tasks out that have a larger grid.
"""

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from envs.config import SuiteConfig
from envs.naming import unknown

DEFAULTS = {"data_path": None, "tasks": (), "pairs": "demonstrations"}
PAIRS = ("demonstrations", "tests")
SPLITS = ("training", "evaluation")
_FOLDERS = {
    "Mini": "data/MiniARC",
    "Concept": "corpus",
    "AGI1": "data/{split}",
    "AGI2": "data/{split}",
}
_OUTSIDE = -1  # the package's number of a cell that a grid does not have


class Demonstrations(NamedTuple):
    """What is shown of N tasks of at most P pairs each."""

    inputs: Any  # [N, P, H, W] int32
    outputs: Any  # [N, P, H, W] int32
    count: Any  # [N] int32, how many pairs there are


def choose(
    config: SuiteConfig, chosen: dict[str, Any], dataset: Any, size: tuple[int, int]
) -> tuple[Any, Demonstrations]:
    """The tasks that `chosen` asks for: the package's buffer, and what is shown.

    Of `pairs=tests` the buffer has the tests where the package looks for
    demonstrations, for what it calls testing hides the answer from the reward.

    Args:
      config: for messages.
      chosen: by the names in `DEFAULTS`; `split` and `grid_size` where there are such.
      dataset: the package's DatasetConfig.
      size: height and width that grids are padded to.

    Raises:
      ValueError: if the folder or a task is missing, or a file holds no task.
    """
    folder = _folder(config, chosen, dataset)
    read = {name: _read(folder, name) for name in _names(config, chosen, folder)}
    if chosen["grid_size"] is not None:
        read = {name: task for name, task in read.items() if _fits(task, size)}
    if not read:
        raise ValueError(
            f"{config.name}: no task in {folder} has grids of at most {size[0]} by "
            f"{size[1]} cells."
        )
    for name, task in read.items():
        _check(folder / f"{name}.json", task, size)
    demonstrations = [task["train"] for task in read.values()]
    tests = [task["test"] for task in read.values()]
    played = demonstrations
    if chosen["pairs"] == "tests":
        played = tests
        for name, pairs in zip(read, tests, strict=True):
            if any(pair.get("output") is None for pair in pairs):
                raise ValueError(
                    f"{folder / name}.json has a test without its output, so that it "
                    "cannot be played (pairs=tests)."
                )
    return _buffer(played, size), _shown(demonstrations, size)


def _folder(config: SuiteConfig, chosen: dict[str, Any], dataset: Any) -> Path:
    given = chosen["data_path"]
    if given is None:
        raise ValueError(
            f"{config.name} needs tasks, which its package does not bring: clone "
            f"{dataset.dataset_repo} and give the clone as data_path=FOLDER."
        )
    whole = Path(str(given)).expanduser()
    usual = whole / _FOLDERS[config.id].format(split=chosen.get("split"))
    folder = usual if usual.is_dir() else whole
    if next(folder.glob("*.json"), None) or next(folder.glob("*/*.json"), None):
        return folder
    raise ValueError(
        f"{config.name}: data_path={given} must be a clone of {dataset.dataset_repo}, "
        f"or a folder of task files (.json); there is none in {folder}."
    )


def _names(config: SuiteConfig, chosen: dict[str, Any], folder: Path) -> list[str]:
    """Of the files to be read, sorted, without .json; relative to the folder."""
    files = [*folder.glob("*.json"), *folder.glob("*/*.json")]
    there = sorted(
        file.relative_to(folder).with_suffix("").as_posix() for file in files
    )
    found: set[str] = set()
    for asked in chosen["tasks"] or there:
        of_it = [
            name for name in there if name == asked or name.startswith(f"{asked}/")
        ]
        if not of_it:
            raise ValueError(unknown(f"{config.name}: no task", str(asked), there))
        found |= set(of_it)
    return sorted(found)


def _read(folder: Path, name: str) -> dict[str, list[dict[str, Any]]]:
    file = folder / f"{name}.json"
    try:
        task = json.loads(file.read_text(encoding="utf-8"))
        pairs = [*task["train"], *task["test"]]
        grids = [pair["input"] for pair in pairs]
        grids += [pair["output"] for pair in task["train"]]
        grids += [pair["output"] for pair in task["test"] if pair.get("output")]
        good = task["train"] and task["test"] and all(_is_grid(grid) for grid in grids)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{file} must be a task in ARC's JSON format; it is none ({error!r})."
        ) from error
    if not good:
        raise ValueError(
            f"{file} must be a task in ARC's JSON format: pairs in train and in test, "
            "of grids whose rows are equally long and whose cells are 0 to 9."
        )
    return task


def _is_grid(rows: Any) -> bool:
    cells = [cell for row in rows for cell in row]
    return (
        bool(cells)
        and len({len(row) for row in rows}) == 1
        and all(type(cell) is int and 0 <= cell <= 9 for cell in cells)
    )


def _largest(task: dict[str, list[dict[str, Any]]]) -> tuple[int, int]:
    grids = [
        pair[side]
        for pair in (*task["train"], *task["test"])
        for side in ("input", "output")
        if pair.get(side)
    ]
    return max(len(grid) for grid in grids), max(len(grid[0]) for grid in grids)


def _fits(task: dict[str, list[dict[str, Any]]], size: tuple[int, int]) -> bool:
    height, width = _largest(task)
    return height <= size[0] and width <= size[1]


def _check(file: Path, task: Any, size: tuple[int, int]) -> None:
    if not _fits(task, size):
        height, width = _largest(task)
        raise ValueError(
            f"{file} has grids of up to {height} by {width} cells; here they have at "
            f"most {size[0]} by {size[1]}."
        )


def _buffer(tasks: Sequence[list[dict[str, Any]]], size: tuple[int, int]) -> Any:
    """The package's buffer [N, ...] with these pairs to play, and no others."""
    of_package = import_module("jaxarc.types").JaxArcTask
    most = max(map(len, tasks))
    stacked = []  # the fields for tests are never read, and may not be empty
    for index, pairs in enumerate(tasks):
        grids = {side: _padded(pairs, side, most, size) for side in ("input", "output")}
        inputs, outputs = grids["input"], grids["output"]
        stacked.append(
            of_package(
                input_grids_examples=inputs,
                input_masks_examples=inputs != _OUTSIDE,
                output_grids_examples=outputs,
                output_masks_examples=outputs != _OUTSIDE,
                num_train_pairs=len(pairs),
                test_input_grids=inputs[:1],
                test_input_masks=inputs[:1] != _OUTSIDE,
                true_test_output_grids=outputs[:1],
                true_test_output_masks=outputs[:1] != _OUTSIDE,
                num_test_pairs=0,
                task_index=np.asarray(index, np.int32),
            )
        )
    return jax.tree.map(lambda *xs: _int32(np.stack(xs)), *stacked)


def _shown(tasks: Sequence[list[dict[str, Any]]], size: tuple[int, int]) -> Any:
    most = max(map(len, tasks))
    inputs = np.stack([_padded(pairs, "input", most, size) for pairs in tasks])
    outputs = np.stack([_padded(pairs, "output", most, size) for pairs in tasks])
    counts = np.array([len(pairs) for pairs in tasks], np.int32)
    return Demonstrations(*map(jnp.asarray, (inputs, outputs, counts)))


def _padded(
    pairs: list[dict[str, Any]], side: str, most: int, size: tuple[int, int]
) -> np.ndarray:
    """[most, H, W] int32; grids lie at the top left."""
    out = np.full((most, *size), _OUTSIDE, np.int32)
    for i, pair in enumerate(pairs):
        grid = np.array(pair[side], np.int32)
        out[i, : grid.shape[0], : grid.shape[1]] = grid
    return out


def _int32(x: np.ndarray) -> jax.Array:
    return jnp.asarray(x, x.dtype if x.dtype == np.bool_ else np.int32)
