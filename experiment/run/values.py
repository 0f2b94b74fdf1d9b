"""The values of a checkpoint: arrays by name, stored by Orbax, read on any device.

Orbax notes on which device each array lay, and would put it there again. Here they are
read as plain arrays and put where the reader has them: a GPU's, or those of eight
devices, on one CPU, and back.
"""

import functools
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import NamedSharding, PartitionSpec

from experiment import files
from experiment.errors import InputError
from experiment.run import hosts
from experiment.run.records import Damaged, Value

# Orbax narrates every save; what goes wrong it raises as well.
logging.getLogger("absl").setLevel(logging.CRITICAL)


BESIDE = 128 * 1024  # bytes, of what Orbax writes beside the values


class Storage:
    """Orbax, asked for plain arrays alone; imported when something is stored or read.

    That takes a third of a second, which a run need not wait for before it begins.
    """

    def __init__(self):
        self._opened: Any = None

    @property
    def _orbax(self) -> Any:
        if self._opened is None:
            import orbax.checkpoint as ocp

            self._opened = ocp.Checkpointer(ocp.PyTreeCheckpointHandler())
        return self._opened

    def write(self, folder: Path, tree: Any) -> dict[str, Value]:
        """Stores a pytree, and says what each of its arrays was.

        Of several processes each stores its shards, and the one that writes is told
        what the arrays were.
        """
        arrays, values = {}, {}
        writes = hosts.here().writes
        for name, leaf in named(tree).items():
            prng = _prng(leaf)
            array = leaf if prng is None else jax.random.key_data(leaf)
            plain = whole(array)
            if writes:
                values[name] = Value.of(plain, prng)
            if array.size:  # Orbax refuses to store nothing
                arrays[name] = array
        size = sum(array.nbytes for array in arrays.values())
        if writes:
            files.check_room(folder.with_name("room"), size + BESIDE)
        from orbax.checkpoint import args

        self._orbax.save(folder, args=args.PyTreeSave(arrays))
        # It says where on this machine the folder was, and decides nothing here.
        if writes:
            (folder / "commit_success.txt").unlink(missing_ok=True)
        return values

    def read(self, folder: Path, values: Mapping[str, Value], like: Any) -> Any:
        """The pytree that `write` got.

        Args:
          folder: that was written to.
          values: as `write` gave them.
          like: shapes and types that fit them (`check_fits`), with the shardings that
            the arrays shall have, or none for the default device.

        Raises:
          Damaged: if an array is not what was written.
        """
        stored = self._restore(folder, [name for name in values if values[name].size])
        leaves = []
        for name, leaf in named(like).items():
            value = values[name]
            array = stored.get(name, np.zeros(value.shape, value.dtype))
            if Value.of(array, value.prng) != value:
                raise Damaged(f"{name} is not what was written")
            leaves.append(_placed(array, value.prng, leaf))
        return jax.tree.unflatten(jax.tree.structure(like), leaves)

    def _restore(self, folder: Path, names: list[str]) -> dict[str, np.ndarray]:
        import orbax.checkpoint as ocp

        plain = ocp.RestoreArgs(restore_type=np.ndarray)
        args = ocp.args.PyTreeRestore(restore_args=dict.fromkeys(names, plain))
        try:
            return self._orbax.restore(folder, args=args)
        except Exception as error:  # Orbax raises a dozen kinds, all meaning this
            reason = str(error).strip().split("\n")[0][:200]
            raise Damaged(f"{type(error).__name__}: {reason}") from error

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()


def whole(array: Any) -> np.ndarray:
    """An array's numbers, wherever they lie; all processes that hold it have to ask."""
    if not getattr(array, "is_fully_addressable", True):
        array = _everywhere(array.sharding.mesh)(array)
    return np.asarray(array)


@functools.cache
def _everywhere(mesh: Any) -> Any:
    at = NamedSharding(mesh, PartitionSpec())
    return jax.jit(lambda x: x, out_shardings=at)


def named(tree: Any) -> dict[str, Any]:
    """A pytree's leaves by where they stand, "params/head/kernel", in its order."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in leaves
    }


def check_fits(checkpoint: Path, values: Mapping[str, Value], like: Any) -> None:
    """Compares what is stored with what is wanted, before anything is read.

    Raises:
      InputError: if an array is missing, unknown, of another type or shape, or if
        random keys are for another generator.
    """
    wanted = {name: _kind(leaf) for name, leaf in named(like).items()}
    for name in sorted(wanted.keys() | values.keys()):
        was, now = values.get(name), wanted.get(name)
        if was is not None and now is not None:
            if was.prng and now.prng and was.prng != now.prng:
                raise InputError(
                    f"checkpoint {checkpoint} holds random keys of {was.prng}, and "
                    f"this session's are of {now.prng}: set JAX_DEFAULT_PRNG_IMPL="
                    f"{was.prng}."
                )
            if now == replace(was, sha256=""):
                continue
        raise InputError(
            f"checkpoint {checkpoint} is of another configuration: {name} is "
            f"{was or 'not'} in it, and {now or 'nothing'} is wanted."
        )


def _kind(leaf: Any) -> Value:
    """What an array is to be; its values are open."""
    prng = _prng(leaf)
    if prng is not None:
        leaf = jax.eval_shape(jax.random.key_data, leaf)
    return Value(leaf.dtype.name, tuple(leaf.shape), "", prng)


def _prng(leaf: Any) -> str | None:
    """The generator that random keys are for, by JAX's name; None for other arrays."""
    if not jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return None
    found = []
    jax.eval_shape(lambda key: found.append(str(jax.random.key_impl(key))), leaf)
    return found[0]


def _placed(array: Any, prng: str | None, like: Any) -> Any:
    over = getattr(like, "sharding", None)
    if over is not None and not over.is_fully_addressable:
        array = jax.make_array_from_callback(array.shape, over, lambda at: array[at])
        return array if prng is None else jax.random.wrap_key_data(array, impl=prng)
    if prng is not None:
        array = jax.random.wrap_key_data(jax.numpy.asarray(array), impl=prng)
    return jax.device_put(array, over)
