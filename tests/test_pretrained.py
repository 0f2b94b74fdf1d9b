"""What is kept in `pretrained/` is small, loads, and does what its table says.

| mutant | fails |
|---|---|
| one number of a policy is another | test_it_is_as_it_was_written |
| a folder that nothing is said of | test_each_has_a_row |
| another value in a preset of dark_room | test_what_was_typed_makes_its_configuration |
"""

import dataclasses
import re
from pathlib import Path

import pytest

import experiment
import train
from experiment.evaluate import episodes, transfer
from experiment.run import manifest, records, unchanged
from experiment.run.run_folder import RunFolder
from experiment.setup.request import Request, TransferRequest

HERE = Path(__file__).parents[1] / "pretrained"
FOLDERS = sorted(path.name for path in HERE.iterdir() if path.is_dir())
MOST = 300_000  # bytes
# Mean return of an episode that it has to come to; of several trials, of the last ones
# on held-out tasks, and above the first by so much.
LEAST = {"memory_chain": 0.9, "repeat_previous": 0.95}
GAINS = {"dark_room": 5.0, "meta_bandit": 0.2}


def test_each_has_a_row():
    rows = re.findall(r"^\| \[?`(\w+)`", (HERE / "README.md").read_text(), re.MULTILINE)
    assert sorted({*rows}) == FOLDERS
    assert {*LEAST, *GAINS} <= {*FOLDERS}


@pytest.mark.parametrize("name", FOLDERS)
def test_it_is_small(name):
    files = [
        path for path in (HERE / name).rglob("*")
        if path.is_file() and "evaluations" not in path.parts
    ]  # fmt: skip
    assert sum(path.stat().st_size for path in files) < MOST
    assert {path.suffix for path in files} <= {".json", ".yaml", ""}


@pytest.mark.parametrize("name", FOLDERS)
def test_it_is_as_it_was_written(name):
    record = records.read(HERE / name / "policy")
    assert record.update > 0 and record.config["num_seeds"] == 1


@pytest.mark.thinned(5)
@pytest.mark.parametrize("name", FOLDERS)
def test_it_loads(name):
    trained = experiment.load(str(HERE / name))
    assert trained.update > 0 and trained.learner.opt_state == ()
    assert trained.config.schedule.run_dir == f"pretrained/{name}"


class Elsewhere(RunFolder):
    """The run's folder, but for what is written."""

    def __init__(self, name, place):
        super().__init__(HERE / name)
        self.place = place

    evaluations = property(lambda self: self.place)


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST)
def test_it_earns_what_it_learned_to(name, tmp_path):
    folder = Elsewhere(name, tmp_path)
    config = folder.load_config()
    found = episodes.evaluate(folder, config, config.env, Request(episodes=200))
    assert found["mean_return"] > LEAST[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", GAINS)
def test_it_learns_in_context(name, tmp_path):
    folder = Elsewhere(name, tmp_path)
    config = folder.load_config()
    request = TransferRequest(tasks=32, expert_steps=0)
    found = transfer.evaluate(folder, config, config.env, request)
    held_out = found["splits"]["held_out"]
    assert held_out["gain"][0] > GAINS[name]
    assert held_out["controls"]["cleared"]["loss"][0] > GAINS[name] / 2


@pytest.mark.parametrize("name", FOLDERS)
def test_what_was_typed_makes_its_configuration(name):
    """Today as then: who types it trains the same agent."""
    row = re.search(rf"^\| `{name}` .*", (HERE / "README.md").read_text(), re.MULTILINE)
    (told,) = re.findall(r"`python train\.py ([^`]*)`", row[0])
    (start,) = manifest.read(HERE / name / "manifest.json")
    typed = [text for text in start["command"][2:] if not text.startswith("run_dir=")]
    assert typed == told.split()
    kept = RunFolder(HERE / name).load_config()
    ours = {"num_seeds": 1, "run_dir": kept.schedule.run_dir}
    now = train.load(typed)
    schedule = dataclasses.replace(now.schedule, **ours)
    now = dataclasses.replace(now, schedule=schedule)
    assert unchanged.changes(unchanged.plain(kept), now) == []
