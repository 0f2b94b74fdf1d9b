"""`evaluate.py` plays what was trained, on its own setting or another length of it.

| mutant | fails |
|---|---|
| env overrides are dropped | test_the_setting_can_be_told_otherwise |
| initial parameters are played | test_it_plays_the_checkpoint |
| the evaluation's seed is ignored | test_seeds_choose_episodes |
| shapes are not compared | test_observations_that_do_not_fit_are_refused |
"""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

import evaluate
import train
from experiment.report import numbers
from experiment.report.statistics import mean_interval
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes


@pytest.fixture(scope="module")
def finished(make_config, tmp_path_factory):
    """A short run of two seeds."""
    path = tmp_path_factory.mktemp("runs") / "finished"
    assert train.start(make_config("total_steps=220", f"run_dir={path}")) == 0
    return path


@pytest.fixture
def play(finished, call):
    """`(*arguments) -> (result, episodes, printed)`."""

    def play(*arguments, run=finished):
        status, printed, errors = call(evaluate, f"run={run}", *arguments)
        assert status == 0, errors
        folder = Path(printed.split("written to ")[1].strip())
        result = json.loads((folder / "result.json").read_text())
        lines = (folder / "episodes.csv").read_text().splitlines()
        episodes = [{k: float(v) for k, v in r.items()} for r in csv.DictReader(lines)]
        assert (folder / "histogram.png").read_bytes().startswith(b"\x89PNG")
        return result, episodes, printed

    return play


def test_what_is_said_follows_from_the_episodes(play):
    result, episodes, printed = play("episodes=50")
    assert len(episodes) == 100
    per_seed = [
        np.mean([e["return"] for e in episodes if e["seed"] == s]) for s in (0, 1)
    ]
    np.testing.assert_allclose(result["mean_return_per_seed"], per_seed)
    mean, low, high = mean_interval(per_seed)
    np.testing.assert_allclose(result["mean_return"], mean)
    np.testing.assert_allclose(result["interval_95"], [low, high])
    assert result["interval_over"] == "seeds"
    assert {e["length"] for e in episodes} == {5.0}
    assert {e["return"] for e in episodes} == {-1.0, 1.0}
    said = numbers.interval(mean, low, high)
    assert f"mean return {said}, 95% interval over seeds" in printed
    counted = [line.split() for line in printed.splitlines() if ".. " in line]
    assert sum(int(words[3].replace(",", "")) for words in counted) == 100


def test_the_setting_can_be_told_otherwise(play):
    result, episodes, _ = play("episodes=50", "env.memory_length=9")
    assert {e["length"] for e in episodes} == {10.0}
    assert result["env_params"]["memory_length"] == 9


@pytest.mark.slow
def test_a_stored_limit_that_still_fits_is_kept(play, finished, tmp_path):
    """As if the run had been trained with it: it limits nothing there."""
    trained, run = RunFolder(finished), RunFolder(tmp_path / "run")
    config = trained.load_config()
    like = learner_shapes(build_agent(config), config)
    update, learners = Checkpoints(trained.checkpoints, config).restore(like)
    limited = {**config.env.params, "max_steps_in_episode": 40}
    config = replace(config, env=replace(config.env, params=limited))
    run.create(config)
    Checkpoints(run.checkpoints, config).save(update, learners)
    result, episodes, _ = play("episodes=50", "env.memory_length=9", run=run.path)
    assert result["env_params"]["max_steps_in_episode"] == 40
    assert {e["length"] for e in episodes} == {10.0}


def test_seeds_choose_episodes(play):
    returns = [
        [e["return"] for e in play("episodes=50", f"seed={seed}")[1]]
        for seed in (0, 0, 1)
    ]
    assert returns[0] == returns[1] != returns[2]


def test_it_plays_the_checkpoint(play, monkeypatch):
    """Zeroed parameters in place of the restored ones make a greedy policy constant."""
    restore = Checkpoints.restore

    def zeros(self, like):
        update, learners = restore(self, like)
        biased = jax.tree.map(lambda x: x * 0, learners.params)
        return update, learners._replace(params=biased)

    _, trained, _ = play("episodes=50", "greedy=true")
    monkeypatch.setattr(Checkpoints, "restore", zeros)
    result, constant, _ = play("episodes=50", "greedy=true")
    assert result["checkpoint_update"] == 11 and result["greedy"] is True
    assert [e["return"] for e in trained] != [e["return"] for e in constant]


def test_observations_that_do_not_fit_are_refused(refused, finished):
    sentence = refused(evaluate, f"run={finished}", "env.num_bits=3")
    assert "[3, 8]" in sentence and "[5, 8]" in sentence
    refused(evaluate, f"run={finished}", "env.history=true")


@pytest.fixture
def copy(finished, tmp_path):
    """As if it had not come to its end yet."""
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "summary.json").unlink()
    return run


def test_it_says_so_where_a_run_has_not_ended(play, copy):
    assert "has not ended" not in play("episodes=5")[2]
    result, _, printed = play("episodes=5", run=copy)
    reached = result["checkpoint_update"]
    assert f"has not ended: played is the checkpoint of update {reached} of" in printed


def test_a_run_without_a_checkpoint_is_refused(refused, copy, finished):
    """A finished one is not made anew by the way: its rows would be gone meanwhile."""
    shutil.rmtree(copy / "checkpoints")
    before = (copy / "metrics.csv").read_bytes()
    assert "no checkpoint" in refused(evaluate, f"run={copy}")
    shutil.copy(finished / "summary.json", copy)
    assert "no checkpoint" in refused(train, f"resume={copy}", "total_steps=500")
    assert (copy / "metrics.csv").read_bytes() == before


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [truncate, lambda path: path.write_bytes(b"garbage"), lambda p: p.unlink()],
)
@pytest.mark.parametrize("module", [evaluate, train])
def test_damaged_checkpoints_are_refused(refused, copy, damage, module):
    for path in (copy / "checkpoints").rglob("*"):
        if path.is_file():
            damage(path)
    verb = "run" if module is evaluate else "resume"
    assert "none is whole: 11 (" in refused(module, f"{verb}={copy}")


@pytest.mark.parametrize("module", [evaluate, train])
def test_an_edited_configuration_is_refused(refused, copy, module):
    text = (copy / "config.yaml").read_text()
    assert "discount: 0.99" in text
    (copy / "config.yaml").write_text(text.replace("discount: 0.99", "discount: 0.9"))
    verb = "run" if module is evaluate else "resume"
    sentence = refused(module, f"{verb}={copy}")
    assert "agent.discount was 0.99 and is 0.9" in sentence


@pytest.mark.slow
def test_all_that_a_user_reads_of_damage_is_a_sentence(copy, start):
    """Orbax logs and leaves coroutines behind; neither reaches the terminal."""
    for path in (copy / "checkpoints" / "11").rglob("*"):
        if path.is_file():
            path.write_bytes(b"garbage")
    process = start("evaluate.py", f"run={copy}", "episodes=2")
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0 and errors == ""
    first, second = out.splitlines()[:2]
    assert first.endswith("is used.") and "11 is damaged" in first
    assert "11 is damaged" not in second
    result = Path(out.split("written to ")[1].strip()) / "result.json"
    assert json.loads(result.read_text())["checkpoint_update"] == 9
