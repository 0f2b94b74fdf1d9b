"""Checkpoints that this version, and every later one, must read (`tests/data/make.py`).

| mutant | fails |
|---|---|
| leaves are named otherwise | test_it_reads_what_it_read_then |
| a digest is made otherwise | test_it_reads_what_it_read_then |
"""

import json
import shutil

import pytest

from experiment.run import records
from tests.data import make

FORMATS = sorted(make.HERE.glob("format_*"))


def test_the_format_of_today_is_among_them():
    assert f"format_{records.FORMAT}" in [path.name for path in FORMATS]


@pytest.mark.parametrize("path", FORMATS, ids=lambda path: path.name)
def test_it_reads_what_it_read_then(path, tmp_path):
    folder = shutil.copytree(path, tmp_path / "run")
    then = json.loads((folder / "values.json").read_text())
    update, learners = make.read(folder)
    assert update == then["update"]
    assert make.described(learners) == then["values"]
