"""XLand-MiniGrid's benchmarks: rulesets to draw hidden tasks from, and their split.

A benchmark is a file of N rulesets. The suite has six (trivial-21k, small-1m,
medium-1m, medium-3m, high-1m, high-3m) and downloads the named one from Hugging Face,
once, to the folder in XLAND_MINIGRID_DATA (by default ~/.xland_minigrid). Where that
cannot be reached, give the file itself as `benchmark_path=`; so may a benchmark of
one's own, written by `xminigrid.benchmarks.save_bz2_pickle`. It is unpickled: take it
only from those you trust.

`split=train` (the default) and `split=test` share no ruleset: repeated ones are dropped
first, the rest is shuffled with a fixed key and cut at `train_fraction`. So the two are
the same in every process and for every seed, on any device. `split=all` is everything.

See Nikulin et al., 2024, XLand-MiniGrid, for how the benchmarks are made.
"""

import pickle
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envs.config import SuiteConfig
from envs.naming import unknown
from envs.suites.options import one_of

DEFAULTS = {
    "benchmark": None,
    "benchmark_path": None,
    "split": "train",
    "train_fraction": 0.8,
}
SPLITS = ("train", "test", "all")
SEED = 0  # of the shuffle before the split; part of what a split means


def choose(config: SuiteConfig, chosen: dict[str, Any]) -> Any:
    """The rulesets that `chosen` (the names in `DEFAULTS`) asks for: a Benchmark.

    Raises:
      ValueError: if there is no benchmark, or it cannot be had, or a part is empty.
    """
    one_of(config, "split", chosen["split"], SPLITS)
    name, path = chosen["benchmark"], chosen["benchmark_path"]
    if (name is None) == (path is None):
        registered_benchmarks = import_module("xminigrid").registered_benchmarks
        raise ValueError(
            f"{config.name} needs tasks to draw from: either benchmark, one of "
            f"{', '.join(registered_benchmarks())}, or benchmark_path, a file; got "
            f"{'both' if name is not None else 'neither'}."
        )
    whole = load(name) if path is None else read(path)
    return part(distinct(whole), chosen["split"], chosen["train_fraction"])


def load(name: str) -> Any:
    """One of the suite's benchmarks, downloaded if it is not there yet.

    Raises:
      ValueError: for an unknown name, a file that cannot be downloaded or is damaged.
    """
    benchmarks = import_module("xminigrid.benchmarks")
    known = benchmarks.NAME2HFFILENAME
    if name not in known:
        raise ValueError(unknown("unknown benchmark", str(name), known))
    try:
        return jax.tree.map(jnp.asarray, benchmarks.load_benchmark(name))
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(
            f"benchmark {name}: the file {known[name]} is not (or not whole) in "
            f"{benchmarks.DATA_PATH} and did not come from huggingface.co/datasets/"
            f"{benchmarks.HF_REPO_ID} ({error}); fetch it where that can be reached "
            "and give it as benchmark_path=FILE."
        ) from error


def read(path: str) -> Any:
    """A benchmark from a file.

    Raises:
      ValueError: if it is missing or not a benchmark.
    """
    benchmarks = import_module("xminigrid.benchmarks")
    try:
        whole = benchmarks.load_benchmark_from_path(path)
    except (OSError, EOFError, pickle.UnpicklingError, KeyError, TypeError) as error:
        raise ValueError(
            f"benchmark_path={path} must be a benchmark of XLand-MiniGrid, a pickle "
            f"compressed by bz2; it cannot be read ({error!r})."
        ) from error
    return jax.tree.map(jnp.asarray, whole)


def distinct(benchmark: Any) -> Any:
    """The benchmark without repeated rulesets, in the order of their first."""
    rulesets = (benchmark.goals, benchmark.rules, benchmark.init_tiles)
    n = benchmark.num_rulesets()
    rows = np.concatenate([np.asarray(x).reshape(n, -1) for x in rulesets], axis=1)
    _, first = np.unique(rows, axis=0, return_index=True)
    if len(first) == n:
        return benchmark
    return jax.tree.map(lambda x: x[np.sort(first)], benchmark)


def part(benchmark: Any, split: str, train_fraction: float) -> Any:
    """One part of the benchmark.

    Raises:
      ValueError: if the fraction leaves one of the two parts empty.
    """
    if split == "all":
        return benchmark
    n = benchmark.num_rulesets()
    if not 0 < round(n * train_fraction) < n:
        raise ValueError(
            f"train_fraction ({train_fraction}) leaves train or test without any of "
            f"the benchmark's {n} rulesets."
        )
    # The kind of key is named, since the process may have another one as its default.
    shuffled = benchmark.shuffle(jax.random.key(SEED, impl="threefry2x32"))
    train, test = shuffled.split(train_fraction)
    return train if split == "train" else test
