"""What every test here shares: a strict JAX session and a supply of keys.

An array that broadcasts by gaining an axis is nearly always a mistake ([B] against
[T, B]), so the session refuses it. Some dependencies do it in their own code
(distrax's multivariate distributions): there, mark the test `lenient`.
"""

import gc
import math
import os
import signal
import sys
import zlib
from collections import defaultdict
from pathlib import Path

# Two workers share two cores. With pools of threads they wait for one another, and
# the suite takes half as long again. Programs that tests start have it from here, too.
ONE_THREAD = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
if ONE_THREAD not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {ONE_THREAD}".strip()
# Set and empty, the user's cache of compiled programs is not filled; see `compiled`.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", "")

import jax
import pytest
from jax.experimental.compilation_cache import compilation_cache

GOLDEN = (5**0.5 - 1) / 2

jax.config.update("jax_numpy_rank_promotion", "raise")


def pytest_configure(config):
    # A shell starts what stands behind `&` deaf to Ctrl-C, and children inherit it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line(
        "markers", "lenient: ranks may promote, as a dependency of ours relies on it"
    )
    config.addinivalue_line(
        "markers", "thinned(n): of its cases that are not slow, only one in n is quick"
    )


@pytest.hookimpl(tryfirst=True)  # before -m is asked
def pytest_collection_modifyitems(items):
    """A law over a product of axes says most in few cases, spread over all of them.

    Multiples of an irrational number keep step with no axis, and each law begins
    elsewhere, so that of a short list (agents, say) each member meets some laws. On
    another Python these are others.
    """
    python = "{}.{}".format(*sys.version_info)
    laws = defaultdict(list)
    for item in items:
        if item.get_closest_marker("thinned") and not item.get_closest_marker("slow"):
            laws[item.path, item.originalname].append(item)
    for (_, name), cases in laws.items():
        start = zlib.crc32(f"{name}, {python}".encode()) / 2**32
        order = sorted(range(len(cases)), key=lambda i: (start + i * GOLDEN) % 1)
        n = cases[0].get_closest_marker("thinned").args[0]
        for place in order[math.ceil(len(cases) / n) :]:
            cases[place].add_marker(pytest.mark.slow)


def pytest_collection_finish():
    # Modules are there to the end, and tracing makes objects by the million: to look
    # through all of them for garbage, every few hundred, takes a twentieth of the time.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(autouse=True)
def _lenient(request):
    if request.node.get_closest_marker("lenient"):
        with jax.numpy_rank_promotion("allow"):
            yield
    else:
        yield


@pytest.fixture(scope="module")
def quick_compilation():
    """For modules that mostly compile; LLVM's slow passes change none of their laws."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="session")
def compiled(tmp_path_factory) -> Path:
    """Where compiled code is kept: the same small programs are needed again and again.

    Workers share it, and runs they start, through JAX's persistent cache.
    """
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"


@pytest.fixture(autouse=True, scope="module")
def _keep_compiled(compiled):
    settings = {
        "jax_enable_compilation_cache": True,  # which `compilation_cache=off` ends
        "jax_compilation_cache_dir": str(compiled),
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    before = {name: getattr(jax.config, name) for name in settings}
    for name, value in settings.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture
def keys():
    """An endless supply of distinct PRNG keys."""

    def supply():
        key = jax.random.key(0)
        while True:
            key, sub = jax.random.split(key)
            yield sub

    return supply()
