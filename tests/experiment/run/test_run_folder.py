"""Who may write into a folder, and what is left there.

| mutant | fails |
|---|---|
| choose only looks | test_default_names_are_never_shared |
| owned does not look again | test_a_run_that_came_in_between_is_not_overwritten |
| the folder stays | test_an_empty_folder_is_removed_again |
| what is unsaid has its default | test_a_deep_run_of_old_has_no_loop |
| so it has in a checkpoint's digest | test_a_deep_run_of_old_has_no_loop |
"""

import datetime
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from experiment.errors import InputError
from experiment.run import manifest, run_folder, unchanged
from experiment.run.clock import Clock, read
from experiment.run.run_folder import RunFolder


class Still(datetime.datetime):
    """The clock in one second, made certain."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 1, 12, tzinfo=tz)


def test_default_names_are_never_shared(make_config, tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "datetime", Still)
    monkeypatch.chdir(tmp_path)
    config = make_config()
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: RunFolder.choose(config), range(24)))
    assert len({folder.path for folder in folders}) == 24
    assert all(folder.path.is_dir() for folder in folders)


def test_an_empty_folder_is_removed_again(tmp_path):
    folder = RunFolder(tmp_path / "a" / "run")
    with pytest.raises(ZeroDivisionError), folder.owned(new=True):
        assert folder.path.is_dir()
        raise ZeroDivisionError
    assert not folder.path.exists()


def test_what_was_written_stays(make_config, tmp_path):
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), folder.owned(new=True):
        folder.create(make_config())
        raise ZeroDivisionError
    assert {path.name for path in folder.path.iterdir()} == {"config.yaml"}


def test_a_second_owner_is_refused(tmp_path):
    folder = RunFolder(tmp_path / "run")
    with folder.owned(new=True):
        with folder.owned(new=True):  # the same object: its own
            pass
        with pytest.raises(InputError, match="in use by process"):
            with RunFolder(folder.path).owned(new=False):
                pass
        assert folder.path.exists()


def test_of_a_run_in_use_its_owner_is_told(make_config, tmp_path):
    """And not that one may go on with it, which would be refused."""
    config = make_config(f"run_dir={tmp_path / 'run'}")
    folder = RunFolder.choose(config)
    with folder.owned(new=True):
        folder.create(config)
        with pytest.raises(InputError, match=f"in use by process {os.getpid()}"):
            RunFolder.choose(config)
    with pytest.raises(InputError, match="already holds a run"):
        RunFolder.choose(config)


def test_a_run_that_came_in_between_is_not_overwritten(make_config, tmp_path):
    config = make_config(f"run_dir={tmp_path / 'run'}")
    late = RunFolder.choose(config)
    RunFolder(late.path).create(config)
    with pytest.raises(InputError, match="already holds a run"), late.owned(new=True):
        pass
    assert late.config.exists()


def test_a_deep_run_of_old_has_no_loop(make_config, tmp_path):
    """Its parameters lie apart, where those of a run begun today are stacked."""
    folder = RunFolder(tmp_path / "run")
    config = make_config("core.num_layers=9")
    folder.create(config)
    assert folder.load_config() == config
    assert config.core.options.scan_layers is None
    text = folder.config.read_text()
    folder.config.write_text(text.replace("  scan_layers: null\n", ""))
    loaded = folder.load_config()
    assert loaded.core.options.scan_layers is False
    stored = unchanged.plain(config)
    del stored["core"]["scan_layers"]
    assert not unchanged.changes(stored, loaded)
    (change,) = unchanged.changes(stored, config)
    assert "core.scan_layers" in change


DAMAGED = ["", "[]", '{"starts": 1}', '{"starts": [1]}', "{}", "\0", "[" * 100_000]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_manifest_stops_nobody(tmp_path, content, capsys):
    path = tmp_path / "manifest.json"
    path.write_text(content)
    assert manifest.read(path) is None
    manifest.record(path)
    manifest.record(path)
    assert len(json.loads(path.read_text())["starts"]) == 2
    assert (tmp_path / "manifest.damaged.json").read_text() == content
    assert capsys.readouterr().out.count("was damaged") == 1


def test_the_clock_counts_work_and_no_pauses(tmp_path):
    path = tmp_path / "clock.csv"
    path.write_text("update,seconds\n3,1.5\n6,2.5\n9,4.0\n")
    Clock(path, 6, began=1e12).note(8)
    points = read(path)
    assert points[:2] == [(3, 1.5), (6, 2.5)] and points[2][0] == 8
    assert points[2][1] < 0  # 2.5 seconds, and since a beginning that is to come


@pytest.mark.parametrize("content", ["", "x", "update,seconds\n3,x\n", "\0\0\0,\n"])
def test_a_damaged_clock_begins_anew(tmp_path, content):
    path = tmp_path / "clock.csv"
    path.write_text(content)
    Clock(path, 6, began=0.0).note(8)
    assert [update for update, _ in read(path)] == [8]
