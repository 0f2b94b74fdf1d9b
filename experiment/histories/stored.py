"""Histories of learners in a folder, of which a few at a time are read.

    histories.json     what they are of, and the SHA-256 of every other file
    00000.obs.npy      [n, L, ...] of n histories, L steps each, as the agent saw them
    00000.reset.npy    [n, L] bool, a meta-episode opens: a new task, a new source
    00000.action.npy   [n, L] the smallest unsigned integers that hold every action; of
                       a Box [n, L, D] float32
    00000.reward.npy   [n, L] float32, caused by the action, as is the next
    00000.trial_ended.npy  [n, L] bool
    00001.obs.npy      the next n, and so on; the last may be fewer

Index t is the decision taken on `obs[:, t]`. Files are NumPy's own, uncompressed, with
a history's steps next to each other: rows are read through memory maps, and no more of
them is in memory than an update uses. The digest of a folder is that of
histories.json; whoever has it knows every byte.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiment import files
from experiment.errors import InputError, RunError, told

FACTS = "histories.json"
FIELDS = ("obs", "reset", "action", "reward", "trial_ended")
FORMAT = 1
MOST = 2**26  # bytes of histories.json
_OPEN = 64  # shards whose memory maps are kept


def digest_of(path: Path) -> str:
    """Of a folder of histories, by which a run knows it.

    Raises:
      InputError: if there is none.
    """
    with told(f"agent.histories={path} cannot be read"):
        files.check_file(path / FACTS)
        return hashlib.sha256((path / FACTS).read_bytes()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, a piece at a time."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Stored:
    """Histories in a folder, found to be whole.

    Attributes:
      path: of the folder.
      facts: what histories.json says.
      env: of it, the name of the environment and its settings, as far as they are told.
      count: N, histories.
      length: L, steps of each.
    """

    def __init__(self, path: Path, digest: str | None = None):
        """Reads histories.json, and compares every file with it.

        Args:
          path: of the folder.
          digest: of the folder as it was; None: whatever it is.

        Raises:
          InputError: if a file is missing, damaged or another than it was.
        """
        self.path = path
        found = digest_of(path)
        if digest is not None and found != digest:
            raise InputError(
                f"agent.histories={path} must be the histories that the run began "
                f"with, of digest {digest[:12]}; it has {found[:12]}."
            )
        try:
            self.facts = json.loads(files.read(path / FACTS, MOST))
            version, named = self.facts["format"], dict(self.facts["files"])
            env = dict(self.facts.get("env", {}))
            self.env = env.get("name"), dict(env.get("params") or {})
            self.count, self.length, self._shard = (
                int(self.facts[fact]) for fact in ("count", "length", "shard")
            )
        except RunError as error:
            raise InputError(f"agent.histories: {error}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path / FACTS} cannot be read: {error!r}.") from error
        if version != FORMAT or min(self.count, self.length, self._shard) < 1:
            raise InputError(
                f"{path / FACTS} must have format {FORMAT} and at least 1 history; it "
                f"has format {version!r} and {self.count} histories."
            )
        self._check(named)

    def _check(self, named: Mapping[str, str]) -> None:
        shards = -(-self.count // self._shard)
        wanted = {name(i, field) for i in range(shards) for field in FIELDS}
        if {*named} != wanted or not wanted:
            raise InputError(
                f"{self.path / FACTS} must name the {len(FIELDS)} files of each of "
                f"{shards} shards; it names {len(named)}."
            )
        for file, digest in named.items():
            with told(f"{self.path / file} cannot be read"):
                same = file_digest(self.path / file) == digest
            if not same:
                raise InputError(
                    f"{self.path / file} is not the file that {FACTS} is about: it "
                    "was changed."
                )

    @functools.cached_property
    def shapes(self) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
        """Shape and type of one step, by field."""
        first = self._open(0)
        return {field: (x.shape[2:], x.dtype) for field, x in first.items()}

    @functools.cached_property
    def _open(self) -> Any:
        @functools.lru_cache(_OPEN)
        def shard(index: int) -> dict[str, np.ndarray]:
            return {
                field: np.load(self.path / name(index, field), mmap_mode="r")
                for field in FIELDS
            }

        return shard

    def rows(self, index: np.ndarray, length: int) -> dict[str, np.ndarray]:
        """[n, T, ...] the first T steps of some histories, by their numbers [n]."""
        found = {
            field: np.empty((len(index), length, *shape), dtype)
            for field, (shape, dtype) in self.shapes.items()
        }
        for place, (shard, row) in enumerate(
            zip(*np.divmod(index, self._shard), strict=True)
        ):
            for field, x in self._open(int(shard)).items():
                found[field][place] = x[row, :length]
        return found

    def read(self, key: Any, num_lanes: int, length: int) -> dict[str, Any]:
        """[T, B, ...] by field: B histories drawn with `key`, in a compiled program.

        The host reads them. The same key gives the same histories.
        """
        import jax
        import jax.numpy as jnp

        index = jax.random.randint(key, (num_lanes,), 0, self.count, jnp.int32)
        like = {
            field: jax.ShapeDtypeStruct((num_lanes, length, *shape), dtype)
            for field, (shape, dtype) in self.shapes.items()
        }

        def chosen(index: Any) -> dict[str, np.ndarray]:
            return self.rows(np.asarray(index), length)

        found = jax.pure_callback(chosen, like, index, vmap_method="sequential")
        if jnp.issubdtype(found["action"].dtype, jnp.integer):
            found["action"] = found["action"].astype(jnp.int32)
        return {field: jnp.swapaxes(x, 0, 1) for field, x in found.items()}


def name(shard: int, field: str) -> str:
    """Of a file."""
    return f"{shard:05d}.{field}.npy"
