"""`evaluate.py memory=true`: one page, every learner, and what it is not asked with.

| mutant | fails |
|---|---|
| the first learner is looked into twice | test_every_learner_has_its_own_numbers |
| the first learner is looked into twice | test_half_lives_are_those_of_the_checkpoint |
| two flags at once are no refusal | test_what_cannot_be_is_refused |
| a page without its pictures | test_a_page_is_written_and_inert |
| how it was made is not said | test_a_page_is_written_and_inert |
| no memory is looked into | test_who_has_no_memory_is_refused |
"""

import csv
import json

import jax
import numpy as np
import pytest

import evaluate
import experiment
from envs import titles
from experiment.errors import InputError
from experiment.inside import lags, words
from experiment.inside.found import Looked
from experiment.inside.played import Played
from experiment.run import manifest
from tests.experiment import untrained
from tests.experiment.report.test_inert import ATTRIBUTES, TAGS, Seen

pytestmark = pytest.mark.usefixtures("quick_compilation")

S5 = ("core=s5", "core.state_size=6", "core.num_layers=1")
ASKED = {"memory": True, "episodes": 40, "steps": 9}


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def look(run, **more):
    """Looks into a run's memory: `(folder, result)`."""
    evaluate.evaluate({"run": str(run), **ASKED, **more})
    (folder,) = (run / "evaluations").iterdir()
    return folder, json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "room"
    return untrained.run(path, 2, *untrained.ROOM, *S5)


@pytest.fixture(scope="module")
def looked(room):
    return look(room)


def test_every_learner_has_its_own_numbers(looked):
    folder, result = looked
    assert result["learners"] == [0, 1] and result["steps"] == 9
    assert result["cut"] == 2 * 40  # a meta-episode takes longer
    for name, key in (("states", "half_life"), ("recall", "density")):
        found = rows(folder / f"{name}.csv")
        one, other = (
            [float(row[key]) for row in found if row["learner"] == number]
            for number in "01"
        )
        assert len(one) == len(other) and not np.allclose(one, other)
    density = [float(row["density"]) for row in found if row["learner"] == "mean"]
    np.testing.assert_allclose(sum(density), 1)
    assert {row["bit"] for row in rows(folder / "readout.csv")} == {
        *result["bits"], "all"
    }  # fmt: skip


def test_half_lives_are_those_of_the_checkpoint(room, looked):
    """By the exponential of the continuous system, and shares that are whole."""
    found = [row for row in rows(looked[0] / "states.csv") if row["learner"] == "1"]
    ssm = experiment.load(str(room), seed=1).learner.params["params"]["core"]
    ssm = jax.device_get(ssm["layer_0"]["ssm"])
    decay = np.exp(ssm["eigenvalue_decay"]) + 1e-4
    want = np.log(2) / (decay * np.exp(ssm["log_step"]))
    got = [float(row["half_life"]) for row in found]
    np.testing.assert_allclose(got, want, rtol=1e-3)
    for share in ("own_share", "joint_share"):
        np.testing.assert_allclose(sum(float(row[share]) for row in found), 1)


def test_a_page_is_written_and_inert(looked):
    page = (looked[0] / "report.html").read_text()
    seen = Seen()
    seen.feed(page)
    assert seen.tags <= TAGS and seen.attributes <= ATTRIBUTES
    assert page.count("<img") == page.count('src="data:image/png') == 3
    assert "default-src 'none'" in page
    assert "80 episodes went on after that" in page
    result = looked[1]
    assert f"{titles.described(result['env'], result['env_params'])}, core s5" in page
    (start,) = manifest.read(looked[0] / "manifest.json") or [{}]
    made = page.partition("How it was made</h2>")[2]
    for fact in ("training", "this evaluation", start["started"], start["python"]):
        assert fact in made, fact


@pytest.mark.slow
def test_a_memory_without_such_states_is_looked_into(tmp_path, capsys):
    """A GRU; and pull after pull, whose first observation is the same for all."""
    run = untrained.keep(tmp_path / "gru", "env=meta_bandit", "env.num_trials=4")
    folder, result = look(run, steps=5)
    assert result["layers"] == [[None]] and not (folder / "states.csv").exists()
    assert "in gru, no layer is such" in capsys.readouterr().out
    assert result["steps"] == 4 and result["cut"] == 0


def test_who_has_no_memory_is_refused(tmp_path):
    run = untrained.run(tmp_path / "mlp", 1, *untrained.ROOM, "core=mlp")
    with pytest.raises(InputError, match="core=mlp remembers nothing"):
        look(run)


def test_what_is_not_there_is_said():
    """Of a gated memory, without a bit to remember, that hangs on nothing."""
    here = np.ones((3, 2), bool)
    nothing = lags.by_lag(np.zeros((1, 3, 2)), np.array([2]), here)
    played = Played(None, here, 0, 1)
    one = Looked(0, played, np.arange(3), [None], [], None, nothing)
    states, bits, recall = words.sentences([one], {"core": "gru"})
    assert "(core=s5, lru and s4d); in gru, no layer is such" in states
    assert "does anything differ between episodes" in bits
    assert recall == "No decision hangs on any observation."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["memory=true", "film=true"], "memory=true are two evaluations: ask one by"),
        (["memory=true", "film=true"], "memory's norm with memory_norm=true"),
        (["memory=true", "transfer=true", "film=true"], "three evaluations"),
        (["memory=never_reset"], "memory must be true or false; got 'never_reset'"),
        (["memory=true", "tasks=5"], "set transfer=true"),
        (["memory=true", "memory_norm=true"], "set film=true"),
        (["memory=true", "episodes=4"], "episodes must lie in [16, 1,024]; got 4"),
        (["memory=true", "steps=1"], "steps must lie in [2, 4,096]; got 1"),
    ],
)
def test_what_cannot_be_is_refused(arguments, said, room, refused):
    assert said in refused(evaluate, f"run={room}", *arguments)
