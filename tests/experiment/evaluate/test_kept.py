"""What is kept suffices: every interval follows from it.

| mutant | fails |
|---|---|
| learners and trials change places | learners |
| a body's rows hold all tasks | bodies |
| tasks are compared over other trials than the report's | tasks |
| four digits are kept | learners |
"""

import csv

import numpy as np
import pytest

from experiment.evaluate import kept, transfer_figures, transfer_tables
from experiment.evaluate.transfer_figures import Body
from experiment.report.statistics import mean_interval

SEEDS, TASKS, TRIALS, TRAINED, SWAP_AT = 3, 10, 8, 4, 2


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    """A made-up one of two bodies, written: its folder and its result."""
    path = tmp_path_factory.mktemp("evaluation")
    rng = np.random.default_rng(0)
    controls = ("none", "cleared", "swapped", "never_reset")
    shape = (2, SEEDS, TASKS, TRIALS)
    played = {
        split: {c: rng.normal(5, 1, shape).astype(np.float32) for c in controls}
        for split in ("train", "held_out")
    }
    first = np.arange(TASKS) < 4
    both = {"a": Body(first, None), "b": Body(~first, None)}
    bodies = {"train": both, "held_out": {}}
    own = {"random": 0.0, "expert": None}
    levels = {**own, "expert_per_trial": None, "bodies": {"a": own, "b": own}}
    sizes = {"trained": TRAINED, "swap_at": SWAP_AT}
    splits = {
        split: transfer_figures.split(
            {c: x[0] for c, x in found.items()}, levels, bodies[split], **sizes
        )
        for split, found in played.items()
    }
    kept.write(path, played, bodies, **sizes)
    return path, {"splits": splits, "levels": dict.fromkeys(played, levels)}


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def by_trial(rows, **wanted):
    """[K, S] of `learners.csv`, of the rows that are as wanted."""
    found = [row for row in rows if all(row[key] == wanted[key] for key in wanted)]
    block = np.full((TRIALS, SEEDS), np.nan)
    for row in found:
        place = int(row["trial"]) - 1, int(row["learner"])
        assert np.isnan(block[place])
        block[place] = float(row["return"])
    assert np.isfinite(block).all()
    return block


def test_adaptation_follows_from_learners(evaluation):
    """Every mean and both ends of every interval of adaptation.csv."""
    path, result = evaluation
    rows = rows_of(path / kept.LEARNERS)
    curves = transfer_tables.curves(result)
    assert curves.columns[3:] == ("return", "low", "high")
    for split, control, trial, *interval in curves.rows:
        learners = by_trial(rows, split=split, body=kept.ALL, control=control)
        assert mean_interval(learners[trial - 1]) == pytest.approx(interval, rel=1e-6)
    assert len(curves.rows) == 2 * 4 * TRIALS


def figures_of(plain, cleared):
    """What follows from [K, S] of one split."""
    late = slice(3, 4)
    return {
        "zero_shot": plain[0],
        "adapted": plain[late].mean(0),
        "gain": plain[late].mean(0) - plain[0],
        "beyond_training": plain[6:].mean(0),
        "loss": (plain - cleared)[late].mean(0),
    }


def test_figures_follow_from_learners_of_all_tasks_and_of_bodies(evaluation):
    path, result = evaluation
    rows = rows_of(path / kept.LEARNERS)
    for split, figures in result["splits"].items():
        for body in (kept.ALL, *figures["bodies"]):
            own = figures if body == kept.ALL else figures["bodies"][body]
            parts = [
                by_trial(rows, split=split, body=body, control=control)
                for control in ("none", "cleared")
            ]
            known = own if body != kept.ALL else own | own["controls"]["cleared"]
            for name, values in figures_of(*parts).items():
                if name in known:
                    expected = pytest.approx(known[name], abs=2e-6)
                    assert mean_interval(values) == expected, (split, body, name)
    assert {row["body"] for row in rows if row["split"] == "train"} == {"all", "a", "b"}
    assert {row["body"] for row in rows if row["split"] == "held_out"} == {"all"}


def test_losses_over_tasks_follow_from_tasks(evaluation):
    path, result = evaluation
    rows = rows_of(path / kept.TASKS)
    assert len(rows) == 2 * TASKS
    for split, figures in result["splits"].items():
        here = [row for row in rows if row["split"] == split]
        assert [int(row["task"]) for row in here] == list(range(TASKS))
        for control, found in figures["controls"].items():
            losses = [float(row[f"loss_{control}"]) for row in here]
            expected = pytest.approx(found["loss_over_tasks"], abs=2e-6)
            assert mean_interval(losses) == expected, (split, control)
        adapted = sorted(float(row["adapted"]) for row in here)
        assert adapted[0] == pytest.approx(figures["worst_decile"])
        zero_shot = [float(row["zero_shot"]) for row in here]
        assert np.mean(zero_shot) == pytest.approx(figures["zero_shot"][0])
    named = [row["body"] for row in rows if row["split"] == "train"]
    assert named == ["a"] * 4 + ["b"] * 6


def test_what_an_expert_earns_stands_with_its_task(tmp_path):
    """Body by body it is known, and goes to the rows of that body's tasks."""
    first = np.arange(TASKS) % 3 == 0
    levels = np.arange(TASKS) + 0.5
    both = {
        "a": Body(first, 1.0, levels[first]),
        "b": Body(~first, 2.0, levels[~first]),
    }
    controls = ("none", "cleared", "swapped", "never_reset")
    played = {"train": dict.fromkeys(controls, np.zeros((2, SEEDS, TASKS, TRIALS)))}
    sizes = {"trained": TRAINED, "swap_at": SWAP_AT}
    kept.write(tmp_path, played, {"train": both}, **sizes)
    rows = rows_of(tmp_path / kept.TASKS)
    assert [float(row["expert_in_task"]) for row in rows] == levels.tolist()
    half = {"a": both["a"], "b": both["b"]._replace(in_task=None)}
    kept.write(tmp_path, played, {"train": half}, **sizes)
    assert "expert_in_task" not in rows_of(tmp_path / kept.TASKS)[0]
