"""What the tests of runs share: the smallest run there is, and a way to start it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import pytest

from experiment import entry
from experiment.run.run_folder import RunFolder
from experiment.run.training import train
from experiment.setup import cli
from experiment.setup import config as run_config
from tests.experiment import made_up

ROOT = Path(__file__).parents[2]

# 20 steps an update; odd numbers, so that nothing divides anything.
TINY = (
    "env.memory_length=4",
    "core=s5",
    "core.features=8",
    "core.num_layers=1",
    "core.state_size=4",
    "agent.num_envs=4",
    "agent.num_minibatches=2",
    "agent.epochs=1",
    "agent.anneal_learning_rate=false",  # or the program depends on total_steps
    "agent.encoder_sizes=[8]",
    "agent.head_sizes=[]",
    "num_seeds=2",
    "mesh.envs=1",  # as any run says once it began
    "log_every=3",
    "checkpoint_every=7",
)


class StubLearner(NamedTuple):
    params: Any
    key: jax.Array
    num_updates: jax.Array


class StubAgent:
    """A random walk: compiles at once, and shows every lost bit of its state.

    `bad_at` is the update (from 1) whose metrics turn NaN, in seed `bad_seed`.
    """

    def __init__(self, bad_at: int = 0, bad_seed: int = 0):
        self.bad_at, self.bad_seed = bad_at, bad_seed

    def initialise(self, key):
        return StubLearner(
            {"w": jax.random.normal(key, (3,))}, key, jnp.zeros((), jnp.int32)
        )

    def weights(self, params):
        return params

    def update(self, learner):
        key, step_key = jax.random.split(learner.key)
        w = learner.params["w"] + jax.random.normal(step_key, (3,))
        count = learner.num_updates + 1
        here = jax.lax.axis_index("seed") == self.bad_seed
        bad = jnp.where((count == self.bad_at) & here, jnp.nan, 0.0)
        learner = StubLearner({"w": w + bad}, key, count)
        # Causes come first, though not by alphabet.
        return learner, {
            "rollout/reward": w.mean(),
            "episode/count": count % 2,  # every other update, no episode ends
            "episode/return": w[0] * (count % 2),
            "loss/value": w[1] + bad,
            "diagnostics/grad_norm": jnp.abs(w[2]) + bad,
        }


@pytest.fixture
def stub_agent():
    return StubAgent


@pytest.fixture(scope="session")
def tiny():
    return TINY


@pytest.fixture(scope="session")
def make_config():
    """`(*overrides) -> RunConfig`, of the tiny run unless overridden."""

    def make(*overrides: str) -> run_config.RunConfig:
        cli.register()
        return run_config.load(cli.composed("train", [*TINY, *overrides]))

    return make


@pytest.fixture(scope="session")
def write_run():
    """`(path, *overrides, ...) -> path`: a finished run, made up (`made_up`)."""
    return made_up.write_run


@pytest.fixture
def go(make_config, tmp_path):
    """`(name, *overrides, resume=, agent=) -> (status, folder)`.

    23 updates of 20 steps, and not a whole one more.
    """

    def go(name, *overrides, resume=False, agent=None):
        config = make_config("total_steps=467", *overrides)
        folder = RunFolder(tmp_path / name)
        return train(agent or StubAgent(), config, folder, resume=resume), folder

    return go


@pytest.fixture(autouse=True, scope="module")
def _quick(quick_compilation):
    """Compiling is most of what these tests cost, and their programs are tiny."""


@pytest.fixture(scope="session")
def start(compiled):
    """`(*arguments) -> Popen` of an entry point, as a user would start it."""
    environment = os.environ | {
        "JAX_COMPILATION_CACHE_DIR": str(compiled),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "true",  # as here, or nothing is shared
        "JAX_PLATFORMS": "cpu",
    }

    def start(*arguments: str, cwd: Path = ROOT) -> subprocess.Popen:
        program, *rest = arguments
        return subprocess.Popen(
            [sys.executable, str(ROOT / program), *rest],
            cwd=cwd,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def call(monkeypatch, capsys):
    """`(module, *arguments) -> (status, stdout, stderr)`, in this process."""

    def call(module: Any, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", [module.__name__ + ".py", *arguments])
        capsys.readouterr()
        try:
            status = entry.status_of(module.main)
        except SystemExit as stopped:
            status = stopped.code
        return status, *capsys.readouterr()

    return call


@pytest.fixture
def refused(call):
    """`(module, *arguments) -> sentence`: checks status 2 and one line on stderr."""

    def refused(module: Any, *arguments: str) -> str:
        status, _, errors = call(module, *arguments)
        assert status == 2
        assert errors.startswith("error: ") and errors.count("\n") == 1, errors
        assert errors.endswith(("\n",)) and "Traceback" not in errors
        return errors

    return refused
