"""A learner that was kept for acting: parameters alone, in a folder of 200 kB.

    policy/record.json         as of a checkpoint (`experiment.run.records`)
    policy/values/arrays       the numbers of one array after another, little-endian

A checkpoint holds what training goes on with: an optimiser's state, environments, keys.
What acting reads is a fraction of that (`Learner.acting`), exact to the bit. It is read
with the same care: names, types, shapes and sizes are those that this configuration
wants, and digests those that were written, before any number is used.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiment import files
from experiment.errors import InputError
from experiment.run import records, unchanged
from experiment.run.checkpoints import check_config
from experiment.run.records import Damaged, Record, Value
from experiment.run.values import check_fits, named, whole
from experiment.setup.config import RunConfig

ARRAYS = "arrays"


def write(folder: Path, config: RunConfig, update: int, learners: Any) -> None:
    """Writes what acting reads of a run's only learner.

    Args:
      folder: `policy/` of a kept run.
      config: of that run, which has one learner.
      update: updates behind it.
      learners: [1, ...].

    Raises:
      InputError, MachineError: if it cannot be written.
    """
    values = folder / records.VALUES
    files.make_folder(values, f"{values} cannot be made")
    arrays = {name: whole(leaf) for name, leaf in named(learners.acting).items()}
    files.write(values / ARRAYS, b"".join(array.tobytes() for array in arrays.values()))
    kinds = {name: Value.of(array) for name, array in arrays.items()}
    written = records.digest_files(values)
    records.write(folder, Record(update, kinds, unchanged.plain(config), written))


def read(folder: Path, config: RunConfig, like: Any) -> tuple[int, Any]:
    """`(update, learners [1, ...])`, of which there is only what acting reads.

    Args:
      folder: that was written to.
      config: of the kept run, as its config.yaml has it.
      like: its learners as shapes and types.

    Raises:
      InputError: if it is damaged, of another configuration or of a newer format.
    """
    try:
        record = records.read(folder)
        if record.config is None:
            raise Damaged("its record names no configuration")
        check_config(folder, record.config, config)
        check_fits(folder, record.values, like.acting)
        arrays = _cut(folder / records.VALUES / ARRAYS, record.values)
    except Damaged as error:
        raise InputError(f"the policy in {folder} is damaged: {error}.") from error
    leaves = [jax.device_put(arrays[name]) for name in named(like.acting)]
    structure = jax.tree.structure(like.acting)
    return record.update, jax.tree.unflatten(structure, leaves)


def _cut(path: Path, values: Mapping[str, Value]) -> dict[str, np.ndarray]:
    """The arrays of a file, whose sizes are known and were asked for."""
    sizes = [value.size * np.dtype(value.dtype).itemsize for value in values.values()]
    try:
        files.check_file(path, sum(sizes))
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise Damaged(f"its {ARRAYS} cannot be read ({error})") from error
    if len(data) != sum(sizes):
        raise Damaged(f"its {ARRAYS} has {len(data):,} bytes instead of {sum(sizes):,}")
    found, start = {}, 0
    for (name, value), size in zip(values.items(), sizes, strict=True):
        array = np.frombuffer(data, value.dtype, math.prod(value.shape), start)
        found[name] = array.reshape(value.shape)
        if Value.of(found[name]) != value:
            raise Damaged(f"{name} is not what was written")
        start += size
    return found
