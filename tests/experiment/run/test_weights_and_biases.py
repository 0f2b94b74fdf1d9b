"""W&B is told what was asked for: one run or one a learner, and the folder at the end.

| mutant | fails |
|---|---|
| finish is not called | test_one_run_is_told_everything |
| the group is left out | test_a_run_for_each_learner |
| rows go to the learners in order, not by number | test_a_run_for_each_learner |
| the artifact leaves checkpoints out | test_what_is_stored_can_be_evaluated |
"""

import shutil
import sys
import types
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

import train
from experiment.run.books import Books
from experiment.run.run_folder import RunFolder
from experiment.run.weights_and_biases import WeightsAndBiases
from experiment.setup import config as run_config

ROWS = [
    {
        "env_steps": 60,
        "update": 3,
        "seed": 0,
        "loss/value": 0.5,
        "episode/return": None,
    },
    {"env_steps": 60, "update": 3, "seed": 1, "loss/value": 1.5, "episode/return": 2.0},
]


class Run:
    """One run of a client that notes what it is told."""

    def __init__(self, options):
        self.options, self.points, self.stored, self.ended = options, [], [], False

    def log(self, points, step):
        self.points.append((step, points))

    def log_artifact(self, artifact):
        self.stored.append(artifact)

    def finish(self):
        self.ended = True


class Artifact:
    """Copies what it is given, as the real one does, to `place`."""

    def __init__(self, name, type):
        self.name, self.type, self.files = name, type, {}

    def add_file(self, path, name):
        self.files[name] = Path(path)

    add_dir = add_file


@pytest.fixture
def runs(monkeypatch):
    """Runs that were begun, in order."""
    begun = []
    stub = types.ModuleType("wandb")
    stub.__spec__ = ModuleSpec("wandb", None)
    stub.init = lambda **options: begun.append(Run(options)) or begun[-1]
    stub.Artifact = Artifact
    monkeypatch.setitem(sys.modules, "wandb", stub)
    return begun


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_one_run_is_told_everything(make_config, tmp_path, runs, mode):
    config = make_config(f"wandb={mode}", "wandb_group=memories")
    folder = RunFolder(tmp_path / "run")
    told = WeightsAndBiases(folder, config)
    told.write(ROWS, 100.0)
    told.close()
    (run,) = runs
    assert run.options["mode"] == mode and run.options["group"] == "memories"
    assert run.options["name"] == "run" and run.options["dir"] == str(folder.path)
    assert run.options["config"] == run_config.dump(config)
    expected = {
        "time/steps_per_second": 100.0,
        "loss/value/seed_0": 0.5,
        "loss/value/seed_1": 1.5,
        "episode/return/seed_1": 2.0,
    }
    assert run.points == [(60, expected)] and run.ended


def test_a_run_for_each_learner(make_config, tmp_path, runs):
    """With its own setting and seed; who has diverged is told nothing more."""
    swept = "sweep.agent.learning_rate=[1e-4,5e-2]"
    config = make_config("wandb=offline", "wandb_per_seed=true", swept)
    told = WeightsAndBiases(RunFolder(tmp_path / "run"), config)
    row = {"env_steps": 60, "update": 3, "loss/value": 0.5}
    told.write([{**row, "seed": 3}, {**row, "seed": 0, "loss/value": 1.5}], 100.0)
    told.close()
    assert [run.options["name"] for run in runs] == [
        f"run-setting_{setting}-seed_{seed}" for setting in (0, 1) for seed in (0, 1)
    ]
    rates = [run.options["config"]["agent"]["learning_rate"] for run in runs]
    assert rates == [1e-4, 1e-4, 5e-2, 5e-2]
    assert [run.options["config"]["learner"] for run in runs] == [0, 1, 0, 1]
    assert {run.options["group"] for run in runs} == {"run"}
    values = [[points["loss/value"] for _, points in run.points] for run in runs]
    assert values == [[1.5], [], [], [0.5]]
    assert all(run.ended for run in runs)


@pytest.mark.slow
def test_what_is_stored_can_be_evaluated(make_config, tmp_path, runs, call):
    import evaluate

    keys = "wandb=offline", "wandb_artifact=true", f"run_dir={tmp_path / 'run'}"
    assert train.start(make_config("total_steps=220", *keys)) == 0
    (stored,) = runs[0].stored
    assert (stored.name, stored.type) == ("run", "run")
    for name, path in stored.files.items():
        target = tmp_path / "elsewhere" / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if path.is_dir() else shutil.copy)(path, target)
    shutil.rmtree(tmp_path / "run")
    status, printed, _ = call(evaluate, f"run={tmp_path / 'elsewhere'}", "episodes=5")
    assert status == 0 and "mean return" in printed


def test_it_is_not_even_imported_unless_asked_for(make_config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it raises
    books = Books(make_config(), RunFolder(tmp_path), 0, 0.0)
    books.close()
