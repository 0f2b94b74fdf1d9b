"""`compilation_cache=` stands beside a run: it is typed, and never read from a folder.

Machine code is loaded from there, and a run folder may come from anybody.

| mutant | fails |
|---|---|
| the key is one of the schedule's | test_it_is_no_part_of_a_run |
| resume= refuses it | test_every_way_to_train_takes_it |
| it is not handed on | test_every_way_to_train_takes_it, test_evaluating_takes_it |
"""

import dataclasses

import pytest

import evaluate
import train
from experiment import compiled
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup.config import Schedule
from experiment.setup.keys import CACHE


class Kept(Exception):
    """Raised in place of keeping, with where."""


@pytest.fixture
def kept(monkeypatch):
    def keep(where):
        raise Kept(where)

    monkeypatch.setattr(compiled, "keep", keep)


@pytest.fixture
def folder(make_config, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.create(make_config())
    return str(run.path)


def test_it_is_no_part_of_a_run(folder, call):
    assert CACHE not in {field.name for field in dataclasses.fields(Schedule)}
    with (RunFolder.existing(folder, "resume").config).open("a") as file:
        file.write("compilation_cache: elsewhere\n")
    status, _, errors = call(train, f"resume={folder}")
    assert status == 2 and CACHE in errors


@pytest.mark.parametrize(
    ("typed", "where"),
    [((), "on"), (("compilation_cache=off",), "off"), (("compilation_cache=7",), "7")],
)
def test_every_way_to_train_takes_it(kept, call, folder, tmp_path, typed, where):
    for ways in ((f"run_dir={tmp_path / 'new'}",), (f"resume={folder}",)):
        with pytest.raises(Kept, match=rf"^{where}$"):
            call(train, *ways, *typed)
    many = ("--multirun", f"run_dir={tmp_path / 'many'}", "seed=0,1", *typed)
    assert call(train, *many)[2].count(f"Kept: {where}\n") == 2


def test_evaluating_takes_it(kept, call, folder):
    for more in ((), ("transfer=true",)):
        with pytest.raises(Kept, match=r"^on$"):
            call(evaluate, f"run={folder}", *more)
        with pytest.raises(Kept, match=r"^off$"):
            call(evaluate, f"run={folder}", "compilation_cache=off", *more)


def test_it_is_taken_out_of_the_arguments():
    given = ["seed=1", "compilation_cache=a", "++compilation_cache=~/b", "core=gru"]
    rest, value = cli.taken(given, CACHE)
    assert rest == ["seed=1", "core=gru"]
    assert value.endswith("/b") and "~" not in value


def test_an_empty_one_is_refused(refused, folder):
    assert "compilation_cache= must name" in refused(train, "compilation_cache=")
    said = refused(evaluate, f"run={folder}", "compilation_cache.x=1")
    assert "compilation_cache must be text" in said


def test_it_is_in_both_helps(call):
    for program in (train, evaluate):
        assert CACHE in call(program, "--help")[1]
