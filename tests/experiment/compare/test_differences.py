"""A difference between runs is claimed where its interval shows it, and only there.

| mutant | fails |
|---|---|
| tasks are counted as learners | test_differences_are_over_learners |
| runs on other environments are compared | test_only_runs_on_the_same_* |
| the verdict follows the mean | test_verdicts_follow_* |
| single learners compared though tasks differ | test_single_learners_* |
"""

import json

import numpy as np
import pytest
from scipy import stats

from experiment.compare import compared
from experiment.compare.differences import differences, short_differences

SHAPE = {"tasks": 6, "trained": 4, "trials": 6, "splits": ("train", "held_out")}


def records(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def read(*paths):
    return compared.read([str(path) for path in paths])


@pytest.fixture(scope="module")
def runs(write_run, tmp_path_factory):
    base = tmp_path_factory.mktemp("runs")
    return read(
        write_run(base / "good", transfer=SHAPE | {"gain": 0.7}),
        write_run(base / "bad", "core=gru", best=0.2, transfer=SHAPE | {"gain": 0.1}),
    )


def test_differences_are_over_learners(runs):
    """Welch's interval of what learners earned, each the mean of its tasks."""
    good, bad = runs
    found = {row["what"]: row for row in records(differences(runs))}
    assert len(found) == 1 + 2 * 3
    adapted = [run.transfer.adapted("held_out").mean(1) for run in runs]
    first = [run.transfer.zero_shot("held_out").mean(1) for run in runs]
    final = [run.summary["final_return_per_seed"] for run in runs]
    for what, (ours, theirs) in {
        "final_return": final,
        "held_out adapted": adapted,
        "held_out zero_shot": first,
        "held_out gain": np.array(adapted) - first,
    }.items():
        row = found[what]
        test = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval()
        assert (row["agent"], row["other"]) == (good.label, bad.label)
        assert row["difference"] == pytest.approx(np.mean(ours) - np.mean(theirs))
        assert [row["low"], row["high"]] == pytest.approx([*test])
        assert row["over"] == "3 and 3 learners"


def test_verdicts_follow_the_intervals(runs):
    for rows, shown in (
        (records(differences(runs)), "above"),
        (records(differences(runs[::-1])), "below"),
    ):
        said = {row["what"]: row["verdict"] for row in rows}
        assert said["final_return"] == said["train adapted"] == shown
        for row in rows:
            holds_zero = row["low"] <= 0 <= row["high"]
            assert (row["verdict"] == "not shown") == holds_zero
        assert any(row["low"] <= 0 <= row["high"] for row in rows)  # else too easy


def test_single_learners_are_compared_task_by_task_where_tasks_are_the_same(
    write_run, tmp_path
):
    one = write_run(tmp_path / "one", "num_seeds=1", transfer=SHAPE)
    other = write_run(tmp_path / "two", "num_seeds=1", "core=gru", transfer=SHAPE)
    found = records(differences(read(one, other)))  # nothing says what was drawn
    assert {row["verdict"] for row in found} == {"not shown"}
    assert all(np.isnan(row["low"]) for row in found)
    for path in (one, other):
        (file,) = path.glob("evaluations/*/result.json")
        file.write_text(json.dumps(json.loads(file.read_text()) | {"seed": 3}))
    runs = read(one, other)
    row = next(r for r in records(differences(runs)) if r["what"] == "train adapted")
    values = [run.transfer.adapted("train")[0] for run in runs]
    test = stats.ttest_rel(*values).confidence_interval()
    assert [row["low"], row["high"]] == pytest.approx([*test])
    assert row["over"] == "6 tasks of 1 learner each"


def test_only_runs_on_the_same_environment_are_compared(write_run, tmp_path):
    one = write_run(tmp_path / "one", transfer=SHAPE)
    other = write_run(tmp_path / "two", "env.memory_length=7", transfer=SHAPE)
    assert not differences(read(one, other)).rows


def test_a_page_says_how_many_would_miss_by_luck(runs):
    table = short_differences(differences(runs))
    assert "of 7 such intervals about 0.35 miss 0 by luck" in table.caption
    final = table.rows[0]
    assert final[1] == "final return" and final[-1] == "above"
    assert "[" in str(final[2]) and final[3] == "3 and 3 learners"
