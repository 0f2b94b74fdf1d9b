"""A file is the old one or the new one, whatever happens in between.

| mutant | fails |
|---|---|
| the file is written in place | test_a_full_disk_leaves_the_old_file |
| no fsync before the rename | test_what_a_name_stands_for_is_on_disk_first |
| what is beside stays | test_a_full_disk_leaves_the_old_file |
| OSErrors pass through | test_a_full_disk_leaves_the_old_file |
"""

import errno
import os
import signal
import subprocess
import sys

import pytest

from experiment import errors, files
from experiment.errors import InputError, MachineError
from tests.fresh import ROOT


def test_a_file_is_made_and_replaced(tmp_path):
    path = tmp_path / "a"
    files.write(path, "old")
    files.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EFBIG])
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, call, number):
    path = tmp_path / "a"
    files.write(path, "old")

    def fail(*arguments):
        raise OSError(number, os.strerror(number))

    place = os if call == "fsync" else type(path)
    monkeypatch.setattr(place, call, fail)
    with pytest.raises(MachineError, match="a cannot be written: ") as told:
        files.write(path, "new, and longer")
    assert "\n" not in str(told.value) and told.value.status == 4
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_what_a_name_stands_for_is_on_disk_first(tmp_path, monkeypatch):
    """Content, then the name, then the folder that holds the name."""
    path, order = tmp_path / "a", []
    fsync, replace = os.fsync, type(path).replace

    def note_fsync(handle):
        order.append("folder" if os.path.isdir(f"/proc/self/fd/{handle}") else "file")
        fsync(handle)

    def note_replace(self, target):
        order.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(type(path), "replace", note_replace)
    files.write(path, "new")
    assert order == ["file", "rename", "folder"]


def test_killed_between_writing_and_renaming(tmp_path):
    """A real process, and the fault that `before-rename` stands for."""
    path = tmp_path / "a"
    files.write(path, "old")
    program = (
        "from pathlib import Path; from experiment import files; "
        f"files.write(Path({str(path)!r}), 'new')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"S5RL_FAULT": "before-rename=kill"},
    )
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    files.write(path, "newer")
    assert path.read_text() == "newer"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, MachineError),
        (errno.EACCES, MachineError),
        (errno.EROFS, MachineError),
        (errno.ENOTDIR, InputError),
        (errno.ENAMETOOLONG, InputError),
    ],
)
def test_who_is_to_blame(number, kind):
    error = errors.of_os(OSError(number, os.strerror(number)), "x cannot be made")
    assert type(error) is kind
    assert str(error) == f"x cannot be made: {os.strerror(number)}."


@pytest.mark.parametrize("fails", [False, True])
def test_a_folder_is_there_whole_or_not_at_all(tmp_path, fails):
    path = tmp_path / "evaluation"
    try:
        with files.new_folder(path) as place:
            files.write(place / "a", "1")
            assert not path.exists()
            assert 1 / (not fails)
    except ZeroDivisionError:
        assert fails
    assert [p.name for p in tmp_path.iterdir()] == ([] if fails else ["evaluation"])
