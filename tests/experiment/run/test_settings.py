"""Settings side by side: each is the run that it would be alone, and can be picked.

| mutant | fails |
|---|---|
| learners lie seed by seed | test_a_setting_is_the_run_it_would_be_alone |
| keys go on over settings | test_a_setting_is_the_run_it_would_be_alone |
| the first setting is the best | test_the_best_setting_is_the_outcome |
| `restored` takes the first learners | test_a_setting_is_picked |
| rows are read with their seed as the learner | test_names_of_learners_go_both_ways |
"""

import csv
import json
from dataclasses import replace

import jax
import numpy as np
import pytest

import experiment
import train
from experiment.compare import compared
from experiment.errors import InputError
from experiment.evaluate import episodes, transfer
from experiment.inside import look
from experiment.run.checkpoints import Checkpoints
from experiment.run.learners import Learners
from experiment.run.metrics_file import MetricsFile
from experiment.run.outcome import ranked, setting_of
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent, learner_shapes
from experiment.setup.request import MemoryRequest, Request, TransferRequest

SWEPT = ("sweep.agent.learning_rate=[1e-4,5e-2]", "sweep.core.dt_min=[1e-3,0.03]")
LENGTH = ("total_steps=600", "log_every=5")


@pytest.fixture(scope="module")
def swept(make_config, tmp_path_factory):
    """A whole run of four settings: `(config, folder)`."""
    path = tmp_path_factory.mktemp("runs") / "swept"
    config = make_config(*LENGTH, *SWEPT, f"run_dir={path}")
    assert train.start(config) == 0
    return config, RunFolder(path)


def learners_of(config, folder):
    like = learner_shapes(build_agent(config), config)
    return Checkpoints(folder.checkpoints, config).restore(like)[1]


@pytest.mark.slow
@pytest.mark.parametrize("setting", [1, 2])
def test_a_setting_is_the_run_it_would_be_alone(swept, setting, tmp_path):
    config, folder = swept
    alone = RunFolder(tmp_path / "alone")
    own = config.alone(setting)
    schedule = replace(own.schedule, run_dir=str(alone.path))
    assert train.start(replace(own, schedule=schedule)) == 0
    rows = MetricsFile(folder.metrics, Learners.of(config)).read()
    ours = Learners.of(config).rows_of(setting, rows)
    theirs = MetricsFile(alone.metrics).read()
    assert len(ours) == len(theirs) == 2 * 6
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.keys() == other.keys()
        for name in ("seed", "episode/count", "episode/return", "loss/value"):
            np.testing.assert_allclose(mine[name], other[name], rtol=1e-2, atol=1e-3)


def test_the_best_setting_is_the_outcome(swept):
    config, folder = swept
    summary = json.loads(folder.summary.read_text())
    outcomes = summary["settings"]
    means = [one["final_return"] for one in outcomes]
    assert summary["best_setting"] == int(np.argmax(means)) == ranked(outcomes)[0]
    assert summary["final_return"] == max(means)
    assert summary["num_seeds"] == 2 and len(summary["final_return_per_seed"]) == 2
    for one, setting in zip(outcomes, config.sweep.settings, strict=True):
        assert setting.items() <= one.items()
    with (folder.path / "settings.csv").open() as file:
        listed = [int(row["setting"]) for row in csv.DictReader(file)]
    assert listed == ranked(outcomes)
    assert (folder.path / "settings.png").stat().st_size > 10_000


def test_a_row_says_its_setting(swept):
    config, folder = swept
    with folder.metrics.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 * 6
    for place, row in enumerate(rows):
        setting, seed = divmod(place % 8, 2)
        assert (int(row["setting"]), int(row["seed"])) == (setting, seed)
        for key, value in config.sweep.settings[setting].items():
            assert float(row[key]) == value


def test_a_setting_is_picked(swept):
    config, folder = swept
    whole = learners_of(config, folder)
    found = experiment.load(str(folder.path), seed=1, setting=2)
    mine = jax.tree.map(lambda x: x[2 * 2 + 1], whole.params)
    jax.tree.map(np.testing.assert_array_equal, found.learner.params, mine)
    assert found.config == config.alone(2)
    best = json.loads(folder.summary.read_text())["best_setting"]
    chosen = experiment.load(str(folder.path), seed=0)
    mine = jax.tree.map(lambda x: x[2 * best], whole.params)
    jax.tree.map(np.testing.assert_array_equal, chosen.learner.params, mine)
    with pytest.raises(InputError, match="has settings 0 to 3"):
        experiment.load(str(folder.path), setting=4)


def test_a_comparison_is_of_the_best_and_says_of_how_many(swept):
    config, folder = swept
    (run,) = compared.read([str(folder.path)])
    summary = json.loads(folder.summary.read_text())
    assert run.config == config.alone(summary["best_setting"])
    assert {row["seed"] for row in run.rows} == {0, 1} and len(run.rows) == 2 * 6
    order = ranked(summary["settings"])
    assert [said for said, _ in run.tried] == [config.sweep.said(k) for k in order]
    assert run.tried[0][1]["final_return"] == summary["final_return"]


def test_names_of_learners_go_both_ways(make_config):
    config = make_config(*SWEPT)
    learners = Learners.of(config)
    row = {"env_steps": 40, "update": 2, "seed": 5, "episode/return": 0.5}
    written = learners.written(row)
    assert list(written) == [*learners.columns, "episode/return"]
    assert (written["setting"], written["seed"]) == (2, 1)
    assert learners.read(written) == row
    assert learners.named(5).startswith("seed 1 of setting 2 (agent.learning_rate=0.05")
    assert [learners.tag(k) for k in (0, 5)] == [
        *("/setting_0/seed_0", "/setting_2/seed_1")
    ]
    assert Learners(3).tag(2) == "/seed_2" and Learners().tag(0) == ""


def test_who_is_not_finished_has_no_best(make_config, tmp_path):
    config = make_config(*SWEPT)
    folder = RunFolder(tmp_path)
    with pytest.raises(InputError, match=r"say which with setting=0 to setting=3"):
        setting_of(folder, config, None)
    assert setting_of(folder, config, 3) == 3
    assert setting_of(folder, config.alone(1), None) == 0
    with pytest.raises(InputError, match="has one setting, 0"):
        setting_of(folder, config.alone(1), 1)


@pytest.mark.slow
def test_a_run_with_settings_goes_on_as_if_nothing_had_been(
    swept, make_config, tmp_path
):
    config, folder = swept
    parts = RunFolder(tmp_path / "parts")
    half = make_config(*LENGTH, *SWEPT, "total_steps=300", f"run_dir={parts.path}")
    assert train.start(half) == 0
    assert train.resume({"resume": str(parts.path), "total_steps": 600}) == 0
    assert parts.metrics.read_bytes() == folder.metrics.read_bytes()
    ours, theirs = (learners_of(config, one) for one in (parts, folder))
    jax.tree.map(np.testing.assert_array_equal, ours.params, theirs.params)


@pytest.mark.slow
def test_one_setting_goes_on_alone(swept, tmp_path):
    config, folder = swept
    told = {"resume": str(folder.path), "setting": 2, "total_steps": 800}
    assert train.resume({**told, "run_dir": str(tmp_path / "alone")}) == 0
    alone = RunFolder(tmp_path / "alone")
    theirs = MetricsFile(folder.metrics, Learners.of(config)).read()
    before = Learners.of(config).rows_of(2, theirs)
    ours = MetricsFile(alone.metrics).read()
    assert ours[: len(before)] == before and ours[-1]["update"] == 40
    assert json.loads(alone.summary.read_text())["env_steps"] == 800
    found = alone.load_config()
    assert found.agent == config.alone(2).agent and not found.sweep
    # It went on from the learners that were there: three updates make small steps.
    assert int(experiment.load(str(alone.path)).learner.num_updates) == 40
    with pytest.raises(InputError, match="setting=9 is none of"):
        train.resume({**told, "setting": 9})


@pytest.mark.slow
def test_every_evaluation_says_its_setting(quick_compilation, tmp_path):
    """And a comparison takes the transfer evaluation of the setting it tells of."""
    keys = "env=meta_bandit", "core=gru", "env.num_arms=3", "env.num_trials=4"
    swept = "sweep.agent.learning_rate=[1e-4,5e-2]"
    length = "agent.rollout_length=4", "agent.num_envs=8", "total_steps=64"
    texts = [*keys, *length, swept, f"run_dir={tmp_path / 'run'}", "num_seeds=2"]
    config = run_config.load(cli.composed("train", texts))
    assert train.start(config) == 0
    folder = RunFolder(tmp_path / "run")
    config = folder.load_config()
    best = setting_of(folder, config, None)
    asked = TransferRequest(tasks=4, setting=best)
    of_best = transfer.evaluate(folder, config, config.env, asked)
    other = replace(asked, setting=1 - best)
    found = [
        of_best,
        transfer.evaluate(folder, config, config.env, other),
        episodes.evaluate(folder, config, config.env, Request(5, setting=1 - best)),
        look.evaluate(
            *(folder, config, config.env),
            MemoryRequest(episodes=16, steps=8, setting=1 - best),
        ),
    ]
    numbers = best, *[1 - best] * 3
    for number, result in zip(numbers, found, strict=True):
        told = {"number": number, **config.sweep.settings[number]}
        assert result["setting"] == told
    (run,) = compared.read([str(folder.path)])
    assert run.transfer is not None and run.transfer.setting == best
