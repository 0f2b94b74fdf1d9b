"""Curves, scores and tables of a comparison hold the numbers of the runs.

| mutant | fails |
|---|---|
| intervals count tasks as learners | test_learners_are_the_sample |
| of one learner, no interval | test_learners_are_the_sample |
| zero-shot is the last trial | test_transfer_* |
| scores are normalised where one run cannot be | test_scores_share_a_scale |
| a run without transfer drops its row | test_transfer_* |
| tables are smoothed | test_learning_curves_are_as_logged |
| bootstrap draws learners anew for each task | test_aggregates_draw_whole_learners |
| a single learner has odds | test_a_single_learner_has_no_odds_* |
| the profile is of task means | test_the_profile_is_of_all_scores |
| levels of the default parameters | test_the_scale_is_that_of_the_runs_own_* |
| trained_on counts from 0 | test_adaptation_* |
"""

import csv
import gzip
import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import envs
from experiment.compare import compared, comparison, robust, score_tables
from experiment.compare import tables as comparison_tables
from experiment.evaluate import trials
from experiment.report.statistics import mean_interval
from experiment.run.metrics_file import MetricsFile
from experiment.setup import config as run_config

SHAPE = {"tasks": 5, "trained": 4, "trials": 6}


@pytest.fixture(scope="module")
def runs(write_run, tmp_path_factory):
    base = tmp_path_factory.mktemp("runs")
    paths = [
        write_run(base / "a", transfer=SHAPE | {"gain": 0.6}),
        write_run(
            base / "b",
            "core=gru",
            "num_seeds=4",
            num_parameters=15_000,
            transfer=SHAPE | {"splits": ("train", "bodies"), "controls": ("none",)},
        ),
        write_run(base / "c", "core=mlp", best=0.1, wall_seconds=30.0),
    ]
    return compared.read([str(path) for path in paths])


def records(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def raw(run, **where):
    """Returns of the trials, read as plainly as can be."""
    with gzip.open(run.transfer.path / trials.FILE, "rt") as file:
        return [
            float(row["return"])
            for row in csv.DictReader(file)
            if all(row[key] == str(value) for key, value in where.items())
        ]


def test_learners_are_the_sample():
    values = np.array([[1.0, 2.0, 9.0], [3.0, 4.0, 5.0]])
    assert comparison.over_learners(values) == mean_interval([4.0, 4.0])
    assert comparison.over_learners(values[:1]) == mean_interval([1.0, 2.0, 9.0])
    assert np.isnan(comparison.over_learners(values[:1, :1])[1])


def test_learning_curves_are_as_logged(runs):
    rows = records(comparison_tables.learning_curves(runs))
    for run in runs:
        logged = MetricsFile(run.folder.metrics).read()
        found = [row for row in rows if row["agent"] == run.label]
        assert len(found) == 118  # of 120 log points, no episode ended in two
        for row in found[::11]:
            at = [
                r["episode/return"]
                for r in logged
                if r["env_steps"] == row["env_steps"]
            ]
            expected = mean_interval(at)
            got = (row["mean_return"], row["low"], row["high"])
            np.testing.assert_allclose(got, expected)


def test_adaptation_is_what_was_played(runs):
    rows = records(comparison_tables.adaptation(runs))
    assert {row["agent"] for row in rows} == {"s5", "gru"}
    assert len(rows) == 6 * (4 * 2 + 2 * 1)
    for row in rows[::7]:
        run = next(run for run in runs if run.label == row["agent"])
        where = {key: row[key] for key in ("split", "control", "trial")}
        np.testing.assert_allclose(row["mean_return"], np.mean(raw(run, **where)))
        assert row["trained_on"] == (row["trial"] <= 4)
        assert row["low"] < row["mean_return"] < row["high"]


def test_transfer_has_agents_in_rows_and_splits_in_columns(runs):
    table = comparison_tables.transfer(runs)
    s5, gru, mlp = records(table)
    assert [s5["agent"], gru["agent"], mlp["agent"]] == ["s5", "gru", "mlp"]
    for split in ("train", "shifted"):
        first = raw(runs[0], split=split, control="none", trial=1)
        late = raw(runs[0], split=split, control="none", trial=4)
        np.testing.assert_allclose(s5[f"{split}_zero_shot"], np.mean(first))
        np.testing.assert_allclose(s5[f"{split}_adapted"], np.mean(late))
        score = (np.mean(late) - 0.1) / (1.0 - 0.1)
        np.testing.assert_allclose(s5[f"{split}_normalised"], score)
    per_seed = [
        np.mean(raw(runs[1], split="train", control="none", trial=4, seed=seed))
        for seed in range(4)
    ]
    found = (gru["train_adapted"], gru["train_low"], gru["train_high"])
    np.testing.assert_allclose(found, mean_interval(per_seed))
    assert gru["shifted_adapted"] is None and gru["bodies_adapted"] is not None
    assert gru["bodies_normalised"] is None  # no expert is known there
    assert set(list(mlp.values())[1:]) == {None}


def test_controls_are_beside_plain_play(runs):
    rows = records(comparison_tables.controls(runs))
    cleared = {
        r["split"]: r for r in rows if (r["agent"], r["control"]) == ("s5", "cleared")
    }
    plain = {
        r["split"]: r for r in rows if (r["agent"], r["control"]) == ("s5", "none")
    }
    assert list(plain) == ["train", "held_out", "shifted", "bodies"] == list(cleared)
    assert cleared["train"]["adapted"] < plain["train"]["adapted"]
    short = comparison_tables.short_controls(runs)
    assert short.columns[2:] == ("memory as it is", "cleared at every trial")
    assert [row[3] is None for row in short.rows] == [False] * 4 + [True] * 2
    assert comparison_tables.has_controls(runs)
    assert not comparison_tables.has_controls(runs[1:])


def test_scores_share_a_scale(runs):
    every = {scores.name: scores for scores in comparison.scores_of(runs)}
    assert list(every) == ["final_return", "train", "held_out", "shifted", "bodies"]
    final = every["final_return"]
    assert final.normalised  # memory_chain says chance 0 and best 1
    assert {label: values.shape for label, values in final.of.items()} == {
        "s5": (3, 1), "gru": (4, 1), "mlp": (3, 1)
    }  # fmt: skip
    np.testing.assert_allclose(
        final.of["mlp"][:, 0], runs[2].summary["final_return_per_seed"]
    )
    np.testing.assert_allclose(
        every["train"].of["gru"], (runs[1].transfer.adapted("train") - 0.1) / 0.9
    )
    assert every["held_out"].of.keys() == {"s5"}
    bodies = every["bodies"]
    assert not bodies.normalised and bodies.scale == "return"
    np.testing.assert_array_equal(bodies.of["s5"], runs[0].transfer.adapted("bodies"))


@pytest.mark.parametrize(
    ("name", "params", "perfect"),
    [
        ("dark_room", {"num_trials": 3, "size": 3}, None),
        ("meta_bandit", {"num_trials": 10}, 100 / 11),
        ("gymnax/CartPole-v1", {"max_steps_in_episode": 100}, 100.0),
        ("popgym_battleship_easy", {"board_size": 9}, None),
    ],
)
def test_the_scale_is_that_of_the_runs_own_parameters(name, params, perfect):
    choice = {"env": {"name": name, **params}, "agent": {"name": "ppo"}}
    config = run_config.load(choice | {"core": {"name": "mlp", "features": 8}})
    run: Any = SimpleNamespace(config=config, transfer=None)
    levels = comparison.levels_of(run, comparison.TRAINING)
    assert (levels.random, levels.expert) == envs.levels(name, params)
    if perfect is not None:
        assert levels.normalise(np.array([perfect])) == pytest.approx(1.0)
    if name.startswith("popgym"):  # chance is not known: returns are not normalised
        assert levels.normalise(np.array([1.0])) is None


def test_a_scale_that_one_run_lacks_is_used_for_none(write_run, tmp_path):
    paths = [write_run(tmp_path / "a", transfer=SHAPE),
             write_run(tmp_path / "b", "core=gru",
                       transfer=SHAPE | {"levels": (0.1, None, None)})]  # fmt: skip
    read = compared.read([str(path) for path in paths])
    train = comparison.scores_of(read)[1]
    assert not train.normalised and train.of.keys() == {"s5", "gru"}
    np.testing.assert_array_equal(train.of["s5"], read[0].transfer.adapted("train"))


def test_a_run_in_which_no_episode_ended_has_no_final_score(write_run, tmp_path):
    path = write_run(tmp_path / "a")
    summary = json.loads((path / "summary.json").read_text())
    summary |= {"final_return_per_seed": [0.5, None, 0.4], "final_return": None}
    (path / "summary.json").write_text(json.dumps(summary))
    (run,) = compared.read([str(path)])
    assert comparison.scores_of([run]) == []
    (row,) = comparison_tables.short_summary([run]).rows
    assert row[1] == "–"


def test_aggregates_draw_whole_learners(runs):
    scores = np.arange(4.0)[:, None] + np.zeros((4, 50))  # luck shared by all tasks
    value, low, high = comparison.aggregates(scores)["iqm"]
    expected = robust.bootstrap(scores, robust.interquartile_mean, joint=True)
    assert (value, low, high) == (1.5, expected.low, expected.high)
    assert high - low > 1.5
    found = comparison.aggregates(scores)
    assert found["mean"][0] == found["median"][0] == 1.5
    assert found["optimality_gap"][0] == robust.optimality_gap(scores) == 0.25


def test_the_profile_is_of_all_scores(runs):
    (scores,) = comparison.scores_of(runs)[1:2]
    taus = comparison.thresholds(scores)
    for values in scores.of.values():
        curve = comparison.profile(values, taus)
        np.testing.assert_allclose(
            curve.mean, robust.performance_profile(values, taus), atol=1e-12
        )
        assert curve.mean[0] == 1 and curve.mean[-1] == 0
        assert (curve.low <= curve.mean).all() and (curve.mean <= curve.high).all()


def test_aggregate_rows_are_those_that_make_sense(runs):
    rows = records(score_tables.aggregate(comparison.scores_of(runs)))
    named = {(row["scores"], row["aggregate"]) for row in rows}
    assert ("final_return", "median") not in named  # one task
    assert ("final_return", "optimality_gap") in named
    assert ("bodies", "optimality_gap") not in named  # no best score
    assert ("bodies", "median") in named
    (row,) = [
        row for row in rows
        if (row["scores"], row["agent"], row["aggregate"]) == ("train", "gru", "iqm")
    ]  # fmt: skip
    assert (row["num_learners"], row["num_tasks"]) == (4, 5)
    train = (runs[1].transfer.adapted("train") - 0.1) / 0.9
    np.testing.assert_allclose(row["value"], robust.interquartile_mean(train))


def test_improvement_has_every_pair_once(runs):
    rows = records(score_tables.improvement(comparison.scores_of(runs)))
    pairs = [(row["scores"], row["agent"], row["other"]) for row in rows]
    assert pairs == [
        *(
            ("final_return", *pair)
            for pair in (("s5", "gru"), ("s5", "mlp"), ("gru", "mlp"))
        ),
        ("train", "s5", "gru"),
        ("bodies", "s5", "gru"),
    ]
    assert rows[1]["probability_of_improvement"] == 1.0


def test_a_single_learner_has_no_odds_against_others(runs):
    """Nor in one comparison of two, whatever it is beaten by; a page shows a dash."""
    several, single = np.array([[0.1], [0.2], [0.3]]), np.array([[0.9]])
    of = {"ours": several, "theirs": several + 1, "one": single}
    table = score_tables.improvement([comparison.Scores("train", False, of)])
    odds = {
        (row["agent"], row["other"]): row["probability_of_improvement"]
        for row in records(table)
    }
    assert odds["ours", "theirs"] == 0
    assert np.isnan([odds["ours", "one"], odds["theirs", "one"]]).all()
    short = score_tables.short_improvement(table)
    assert [row[1][0] for row in short.rows] == ["0", "–", "–"]
    assert "A dash where" in short.caption
    assert (
        "dash"
        not in score_tables.short_improvement(
            score_tables.improvement(comparison.scores_of(runs))
        ).caption
    )


def test_summary_prints_parameters_beside_the_fewest(runs):
    rows = records(comparison_tables.summary(runs))
    assert [row["num_parameters"] for row in rows] == [10_000, 15_000, 10_000]
    assert [row["parameters_over_fewest"] for row in rows] == [1.0, 1.5, 1.0]
    assert rows[2]["wall_seconds"] == 30.0 and rows[2]["steps_per_second"] == 1e6 / 30
    for row, run in zip(rows, runs, strict=True):
        np.testing.assert_allclose(row["final_return"], run.summary["final_return"])
