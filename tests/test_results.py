"""What results/in_context says can be computed anew from what is kept beside it.

| mutant | fails |
|---|---|
| a return of learners.csv is changed | test_intervals_follow_* |
| a loss of tasks.csv is changed | test_intervals_follow_* |
| learners.csv of a result is deleted | test_the_document_says_* |
| the oldest evaluation is kept | test_the_newest_* |
| curves stay in result.json | test_the_newest_* |
| a return of t_maze_horizon.csv is changed | test_tables_of_documents_* |
| every setting is tried of every core | test_a_setting_is_tried_* |
| one good learner of three is enough | test_a_setting_is_tried_* |
| kept reads no action of its own | test_beliefs_play_* |
| a goal stood on in vain may still be one | test_beliefs_play_* |
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from experiment.evaluate.transfer_figures import read_over
from experiment.evaluate.trials import adapted
from experiment.report.statistics import mean_interval
from experiment.setup import cli
from experiment.setup import config as run_config
from results import documents
from results.agents import beliefs, regret, worlds
from results.control import tables as control_tables
from results.cores import study, tables
from results.field import cartpole
from results.in_context.keep import COPIED, keep
from results.ladder import climb, cores, course, turns
from results.scaling import study as scaling_study

ROOT = Path(__file__).parents[1]
EVERY = sorted(
    path.parent
    for place in ("in_context", "agents/*", "ladder")
    for path in ROOT.glob(f"results/{place}/*/result.json")
    if (path.parent / "tasks.csv").exists()
)


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_intervals_follow_from_what_is_kept(path):
    """Of every trial, and every figure that is written of a split."""
    result = json.loads((path / "result.json").read_text())
    rows = [row for row in rows_of(path / "learners.csv") if row["body"] == "all"]
    curves: dict[tuple[str, str], list[list[float]]] = {}
    for row in rows:  # ordered by trial, then learner
        curve = curves.setdefault((row["split"], row["control"]), [])
        if row["learner"] == "0":
            curve.append([])
        curve[-1].append(float(row["return"]))
        assert len(curve) == int(row["trial"])
    for row in rows_of(path / "adaptation.csv"):
        if row["control"] != "expert":
            learners = curves[row["split"], row["control"]][int(row["trial"]) - 1]
            expected = [float(row[name]) for name in ("return", "low", "high")]
            assert mean_interval(learners) == close_to(expected, learners)
    trained, swap_at = result["num_trials_trained"], result["swap_at"]
    by_task = rows_of(path / "tasks.csv")
    for split, figures in result["splits"].items():
        own = np.array(curves[split, "none"])
        late = own[adapted(trained)].mean(0)
        assert mean_interval(own[0]) == close_to(figures["zero_shot"])
        assert mean_interval(late) == close_to(figures["adapted"])
        assert mean_interval(late - own[0]) == close_to(figures["gain"], own)
        for control, where in read_over(trained, swap_at).items():
            found = figures["controls"][control]
            loss = (own - np.array(curves[split, control]))[where].mean(0)
            assert mean_interval(loss) == close_to(found["loss"], own)
            losses = [
                float(row[f"loss_{control}"])
                for row in by_task
                if row["split"] == split
            ]
            assert mean_interval(losses) == close_to(found["loss_over_tasks"], own)


def close_to(estimate, returns=0.0):
    """As near as six digits of each tell: of a difference, of what it is between."""
    digit = 5e-6 * np.abs(returns).max()
    return pytest.approx(estimate, rel=1e-4, abs=max(1e-5, digit))


def test_the_newest_evaluation_is_kept_in_short(tmp_path):
    run = tmp_path / "run"
    for place, name in enumerate(("transfer-1", "transfer-2")):
        folder = run / "evaluations" / name
        folder.mkdir(parents=True)
        for copied in COPIED:
            (folder / copied).write_text(name)
        (folder / "adaptation.csv").write_text(f"trial,return,low\n1,{2 / 3},\n")
        figures = {"adapted": [2 / 3, None], "curves": {}}
        levels = {"random": float(place), "expert_per_trial": [1.0]}
        result = {"splits": {"train": figures}, "levels": {"train": levels}}
        (folder / "result.json").write_text(json.dumps(result))
    (run / "learning_curve.png").write_text("curve")
    told = {"num_seeds": 3, "wall_seconds": 2.5, "units": {"wall_seconds": "now"}}
    (run / "summary.json").write_text(json.dumps(told))
    # Two starts: the last one took 2.5 seconds of 9.25.
    (run / "clock.csv").write_text("update,seconds\n1,7.0\n2,9.25\n")
    keep(run, tmp_path / "kept")
    assert (tmp_path / "kept" / "learners.csv").read_text() == "transfer-2"
    found = json.loads((tmp_path / "kept" / "result.json").read_text())
    assert found == {
        "splits": {"train": {"adapted": [0.666667, None]}},
        "levels": {"train": {"random": 1.0}},
        "training": {
            "num_seeds": 3,
            "wall_seconds": 9.25,
            "units": {"wall_seconds": "of all starts"},
        },
    }
    (row,) = rows_of(tmp_path / "kept" / "adaptation.csv")
    assert row == {"trial": "1", "return": "0.666667", "low": ""}


@pytest.mark.parametrize(
    "study",
    [
        *(tables, control_tables, worlds, scaling_study, cartpole),
        *(climb, turns, course, cores),
    ],
)
def test_tables_of_documents_are_as_they_were_measured(study):
    text = study.DOCUMENT.read_text()
    told = [name for name in study.TABLES if documents.has(text, name)]
    assert told
    for name in told:
        assert documents.written(text, name).strip() == study.TABLES[name]()


@pytest.mark.parametrize("recipe", climb.RECIPES.values(), ids=climb.RECIPES)
def test_a_recipe_is_a_run_that_can_be_asked_for(recipe):
    """Its options are known, and after all of its environment's own."""
    config = run_config.load(cli.composed("train", recipe.arguments()))
    assert config.schedule.num_seeds == 3
    if recipe.bodies:
        assert config.agent.name == "imitate"
        assert set(config.env.params["train_bodies"]) == set(recipe.bodies)
        named = config.agent.options.experts.split(",")
        assert [Path(one).name for one in named] == [
            climb.expert(body).name for body in recipe.bodies
        ]
    else:  # by reward, from what imitation led to
        assert config.agent.name == "ppo" and recipe.after
    if recipe.after:
        before = climb.RECIPES[recipe.after]
        assert before.env.split("/")[0] == recipe.env.split("/")[0]
        assert set(climb.S5) <= {*before.options}


@pytest.mark.parametrize("name, options", cores.CORES.items(), ids=cores.CORES)
def test_a_core_of_the_ladder_is_a_run_that_can_be_asked_for(name, options):
    arguments = cores.recipe(name).arguments()
    config = run_config.load(cli.composed("train", arguments))
    assert config.schedule.num_seeds == 1 and config.schedule.total_steps == cores.STEPS
    assert config.core.name == dict(x.split("=") for x in options).get("core", "s5")


def test_a_setting_is_tried_until_one_solves_the_task():
    def rows(core, setting, *returns):
        return [
            {"core": core, "setting": setting, "final_return": str(value)}
            for value in returns
        ]

    known = [*rows("gru", "slow", 1.0, 0.99, 0.9), *rows("elman", "slow", 1.0, 0.1)]
    assert study.is_open(known, "lru", "slow")  # nothing is known of it
    assert not study.is_open(known, "gru", "slow")  # it is done
    assert not study.is_open(known, "gru", "fast")  # it is not needed
    assert study.is_open(known, "elman", "fast")
    known += rows("elman", "fast", 0.9, 0.8)
    assert not study.is_open(known, "elman", "fast")
    assert study.best_settings(known)["elman"] == ("fast", pytest.approx(0.85))


@pytest.mark.parametrize("played", ["drawn", "likeliest"])
def test_regret_is_told_as_it_follows(played):
    """From rewards of single pulls: the best arm's, less those of each learner."""
    folder = ROOT / "results" / "agents" / "imitate" / f"meta_bandit_{played}"
    text = (ROOT / "docs" / "agents.md").read_text()
    cells = []
    for split in ("train", "held_out", "shifted"):
        learners, expert = regret.regrets(folder, split)
        rows = rows_of(folder / "learners.csv")
        mine = [
            float(row["return"])
            for row in rows
            if (row["split"], row["control"], row["learner"]) == (split, "none", "1")
        ]
        best = json.loads((folder / "result.json").read_text())["levels"][split]["best"]
        assert learners[1] == pytest.approx(sum(best - value for value in mine[:100]))
        mean, low, high = mean_interval(learners)
        cells.append(f"{mean:.1f} [{low:.1f}, {high:.1f}]")
        assert f"{expert:.1f}" in text
    name = {"drawn": "actions drawn", "likeliest": "the likeliest action"}[played]
    assert f"| {name} | {' | '.join(cells)} |" in text.replace("**", "")


def test_beliefs_play_as_their_law_says():
    """Where the goal is known; and two goals, two steps to either side of the start."""
    rng = np.random.default_rng(0)
    known = np.array([4 * 9 + 7])
    for law in beliefs.LAWS:
        paid = beliefs.play(law, np.repeat(known, 5), known, rng)
        np.testing.assert_allclose(paid, 21 - 3)
    sides = np.array([4 * 9 + 2, 4 * 9 + 6])
    hidden = rng.choice(sides, 20_000)
    # Kept: half are there after 2 steps; the others know better, and walk 4 more.
    paid = beliefs.play("kept", hidden, sides, rng, trials=2)
    np.testing.assert_allclose(paid, [(19 + 15) / 2, 19], atol=0.06)
    # Anew: a fair walk between the two, which every second step ends with chance 1/2.
    ends = {2 * k: 0.5**k for k in range(1, 11)}
    first = sum(p * (21 - t + max(21 - t - 4, 0)) / 2 for t, p in ends.items())
    paid = beliefs.play("anew", hidden, sides, rng, trials=2)
    np.testing.assert_allclose(paid, [first, 19], atol=0.06)
