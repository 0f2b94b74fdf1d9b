"""What a comparison says first, what differs between its runs, and each learner.

| mutant | fails |
|---|---|
| the first run is always called the higher one | test_the_higher_run_is_named_first |
| what is not shown is green | test_what_is_not_shown_* |
| pairs that are not told apart are kept quiet | test_what_is_not_shown_* |
| a run alone is judged without its chance level | test_a_run_alone_* |
| settings that are alike are listed | test_settings_that_differ_* |
| a setting is rounded like a measurement | test_settings_that_differ_* |
| learners of the largest run alone | test_every_learner_has_a_row |
| the clock of another update | test_wall_clock_* |
| time begins before compiling | test_time_begins_after_compiling |
| a resumed run's last start is taken for all | test_time_begins_after_compiling |
"""

from dataclasses import replace

import numpy as np
import pytest

from experiment.compare import compared, comparison, details, plots, tables
from experiment.compare.differences import differences
from experiment.compare.findings import findings
from experiment.report.panels import PAGE

SHAPE = {"tasks": 4, "trained": 4, "trials": 6}


@pytest.fixture(scope="module")
def runs(write_run, tmp_path_factory):
    base = tmp_path_factory.mktemp("found")
    paths = [
        write_run(base / "a", "agent.learning_rate=0.00012345", best=0.2),
        write_run(base / "b", "core=gru", best=0.9, transfer=SHAPE | {"gain": 0.6}),
        write_run(base / "c", "core=gru", "num_seeds=4", best=0.9),
    ]
    labels = ["low", "high", "same"]
    return compared.read([str(path) for path in paths], labels)


def found_in(runs):
    return findings(runs, differences(runs))


def test_the_higher_run_is_named_first(runs):
    (found,) = found_in(runs[:2])
    assert found.sign == 1
    assert found.text.startswith("Final return: high is above low by 0.")
    lead = dict(zip(("mean", "low", "high"), differences(runs[:2]).rows[0][3:6],
                    strict=True))  # fmt: skip
    assert lead["mean"] < 0 and f"{-lead['mean']:.3g}"[:4] in found.text


def test_what_is_not_shown_is_no_finding(runs):
    (found,) = found_in(runs[1:])
    assert found.sign == 0 and "high and same are not told apart (" in found.text
    (found,) = found_in(runs)
    assert "high is above low" in found.text and "same is above low" in found.text
    assert found.text.endswith("; 1 of 3 pairs not told apart.")


def test_runs_on_different_environments_are_not_ranked(runs, write_run, tmp_path):
    other = write_run(tmp_path / "other", "env.memory_length=9")
    (found,) = found_in([runs[0], *compared.read([str(other)])])
    assert found.sign == 0 and "none is above another" in found.text


def test_a_run_alone_is_held_against_chance_and_its_own_first_trial(runs):
    final, *splits = found_in(runs[1:2])
    assert final.sign == 1 and ", above the 0 of chance (by 0." in final.text
    assert [found.text.split(".")[0] for found in splits] == [
        *("Training tasks", "Held-out tasks", "Shifted tasks", "Unseen bodies"),
    ][: len(splits)]
    assert splits and all("learns in context" in found.text for found in splits)
    runs[1].summary["final_return_per_seed"].append(None)
    assert found_in(runs[1:2])[0].sign == 0
    runs[1].summary["final_return_per_seed"].pop()


def test_settings_that_differ_are_told_as_they_were_set(runs):
    rows = {row[0]: row[1:] for row in details.different_settings(runs).rows}
    assert rows["core.name"] == ("s5", "gru", "gru")
    assert rows["agent.learning_rate"][0] == "0.00012345"
    assert rows["num_seeds"] == ("3", "3", "4")
    assert rows["core.state_size"][1:] == (None, None)  # a GRU has none
    assert "env.name" not in rows and "run_dir" not in rows
    assert details.different_settings(runs[:1]).rows == []


def test_every_learner_has_a_row(runs):
    full = details.learners(runs)
    assert [row[:2] for row in full.rows] == [
        *(("low", n) for n in range(3)),
        *(("high", n) for n in range(3)),
        *(("same", n) for n in range(4)),
    ]
    at = full.columns.index("held_out_adapted")
    expected = runs[1].transfer.adapted("held_out").mean(1)
    np.testing.assert_allclose([row[at] for row in full.rows[3:6]], expected)
    assert all(row[at] is None for row in (*full.rows[:3], *full.rows[6:]))
    short = details.short_learners(full)
    assert "held-out tasks: adapted" in short.columns


def test_wall_clock_is_that_of_the_update(runs, write_run, tmp_path):
    """Known of one of two runs: it alone is drawn over time."""
    run, other = runs[0], runs[2]
    known = [
        (row["update"], 2.0 * row["update"]) for row in run.rows if not row["seed"]
    ]
    timed = replace(run, clock=known)
    curve = comparison.learning_curve(timed, smooth=False)
    updates = {row["env_steps"]: row["update"] for row in run.rows}
    expected = [2.0 * updates[int(at)] for at in curve.x]
    found = comparison.seconds_at(timed, curve.x)
    np.testing.assert_allclose(found, expected)
    assert comparison.seconds_at(other, curve.x) is None
    table = tables.learning_curves([timed])
    assert [row[-1] for row in table.rows] == expected
    _, clock = plots.learning_curves([timed, other], PAGE).axes
    assert [line.get_label() for line in clock.lines if len(line.get_xdata()) > 2] == [
        "low"
    ]
    assert len(plots.learning_curves([other], PAGE).axes) == 1


def test_time_begins_after_compiling(runs):
    """Where every run with a clock says how long it took; else none leaves it out."""

    def timed(run, start):
        at = {row["update"] for row in run.rows}
        return replace(run, clock=[(update, start + update) for update in sorted(at)])

    def drawn(*runs):
        _, panel = plots.learning_curves(runs, PAGE).axes
        return panel.get_xlabel().split(" (")[0], [
            min(line.get_xdata()) for line in panel.lines if len(line.get_xdata()) > 2
        ]

    one, other = timed(runs[0], 12.5), timed(runs[1], 40.0)  # compiled for 12.5 s
    told, first = drawn(one, other, runs[2])
    assert told == "training after compiling" and first == [3.0, 30.5]
    assert comparison.compiling([one, runs[2]]) == {one.label: 12.5}
    again = replace(other, starts=[*other.starts, *other.starts])
    early = timed(runs[1], 5.0)  # its clock and its summary cannot both be right
    silent = replace(other, summary={**other.summary, "compile_seconds": None})
    for odd, start in ((again, 43.0), (early, 8.0), (silent, 43.0)):
        assert drawn(one, odd) == ("wall clock", [15.5, start])
