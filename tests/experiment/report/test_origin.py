"""How something was made is told, and whatever a manifest holds is only text.

| mutant | fails |
|---|---|
| the first start is told | test_the_last_start_is_told_and_every_command |
| equal commands stand twice | test_the_last_start_is_told_and_every_command |
| a dirty commit looks clean | test_facts |
| a manifest's types are trusted | test_what_is_no_manifest_is_told_as_far_as_it_goes |
"""

import pytest

from experiment.report.origin import origin

START = {
    "command": ["python", "train.py", "env=t maze"],
    "started": "2026-01-02T03:04:05+00:00",
    "python": "3.11.7",
    "versions": {"jax": "0.10.2", "flax": None},
    "devices": ["cpu"],
    "commit": "0123456789abcdef0123+",
}


def facts_of(entries):
    (table,) = origin(entries).tables
    return {row[0]: row[1:] for row in table.rows}


def test_facts():
    found = facts_of({"training": [START], "this page": [{"devices": ["a", "b", "b"]}]})
    assert found == {
        "date": ("2026-01-02T03:04:05+00:00", None),
        "device": ("cpu", "a, 2 x b"),
        "commit": ("0123456789ab+", None),
        "Python": ("3.11.7", None),
        "jax": ("0.10.2", None),
    }


def test_the_last_start_is_told_and_every_command():
    again = START | {"command": ["python", "train.py", "resume=x"], "devices": ["gpu"]}
    made = origin({"training": [START, again, again]})
    assert made.commands == [
        "python train.py 'env=t maze'",
        "python train.py resume=x",
    ]
    assert facts_of({"training": [START, again]})["device"] == ("gpu",)
    assert "training had several" in made.tables[0].caption


@pytest.mark.parametrize(
    "start",
    [{}, {"command": "rm -rf /", "versions": [1], "devices": {}, "commit": 7},
     {"command": [None, {"a": 1}], "versions": {"jax": [1]}, "started": ["x"]}],
)  # fmt: skip
def test_what_is_no_manifest_is_told_as_far_as_it_goes(start):
    for row in origin({"training": [start]}).tables[0].rows:
        assert all(cell is None or isinstance(cell, str) for cell in row)
    assert origin({"training": []}).tables[0].rows == []
