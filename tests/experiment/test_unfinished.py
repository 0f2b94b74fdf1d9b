"""What dead processes left half-made is removed; what the living write never is.

| mutant | fails |
|---|---|
| nothing is removed | test_the_next_to_write_removes_* |
| whatever stands beside is removed | test_what_a_living_process_makes_stays |
| the number alone tells | test_a_process_that_cannot_be_seen_*, test_a_former_* |
| the lock alone tells | test_a_living_process_is_known_by_its_number |
| another host's goes at once; never | test_what_another_host_left_* |
| any hidden file is ours | test_files_of_others_stay |
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from experiment import files, unfinished
from tests.fresh import ROOT

WRITING = """
import os, signal, sys, time
from pathlib import Path
from experiment import files
path = Path(sys.argv[1])
def halt():
    print("there", flush=True)
    time.sleep(60)
if path.suffix:
    os.fsync = lambda handle: halt()
    files.write(path, "half")
with files.new_folder(path) as place:
    files.write(place / "result.json", "half")
    halt()
"""


@pytest.fixture
def begin(tmp_path):
    """`(name) -> process` that is in the midst of making what has this name."""
    begun = []

    def begin(name: str) -> subprocess.Popen:
        command = [sys.executable, "-c", WRITING, str(tmp_path / name)]
        begun.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE))
        assert begun[-1].stdout.readline() == b"there\n"
        return begun[-1]

    yield begin
    for process in begun:
        process.kill()
        process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("killed", ["dark_room-1", "report.html"])
@pytest.mark.parametrize("then", ["dark_room-2", "summary.csv"])
def test_the_next_to_write_removes_what_the_killed_left(tmp_path, begin, killed, then):
    process = begin(killed)
    process.kill()
    assert process.wait() == -signal.SIGKILL and len(names(tmp_path)) == 1
    if "." in then:
        files.write(tmp_path / then, "whole")
    else:
        with files.new_folder(tmp_path / then):
            pass
    assert names(tmp_path) == [then]


@pytest.mark.parametrize("living", ["dark_room-1", "report.html"])
def test_what_a_living_process_makes_stays(tmp_path, begin, living):
    begin(living)
    before = names(tmp_path)
    files.write(tmp_path / "b", "whole")
    unfinished.remove(tmp_path)
    assert names(tmp_path) == [*before, "b"] and living in before[0]


def made(folder, number, host=None):
    host = host or unfinished._host()
    path = folder / f".a.{host}.{number}{unfinished.SUFFIX}"
    path.mkdir()
    (path / "half").touch()
    return path


@pytest.fixture
def dead():
    """The number of a process that was."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_process_that_cannot_be_seen_is_known_by_its_lock(tmp_path, dead):
    """It is in another container of the same name."""
    path = made(tmp_path, dead)
    with unfinished.kept(path):
        unfinished.remove(tmp_path)
        assert path.exists()
    unfinished.remove(tmp_path)
    assert not path.exists()


def test_a_living_process_is_known_by_its_number(tmp_path, dead):
    """It has made the folder, and locks it in a moment."""
    path = made(tmp_path, os.getppid())
    unfinished.remove(tmp_path)
    assert path.exists()


def test_a_former_process_of_the_same_number_is_dead(tmp_path):
    """As the first process of every start of a container."""
    path = made(tmp_path, os.getpid())
    unfinished.remove(tmp_path)
    assert not path.exists()


def test_a_file_system_without_locks(tmp_path, dead, monkeypatch):
    def none(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(unfinished.fcntl, "flock", none)
    left, living = made(tmp_path, dead), made(tmp_path, os.getppid())
    files.write(tmp_path / "a", "whole")
    unfinished.remove(tmp_path)
    assert not left.exists() and living.exists()


def test_what_another_host_left_goes_after_a_day(tmp_path, dead):
    path = made(tmp_path, dead, host="elsewhere.example")
    unfinished.remove(tmp_path)
    assert path.exists()
    old = time.time() - unfinished.DAY - 1
    os.utime(path, (old, old))
    unfinished.remove(tmp_path)
    assert not path.exists()


def test_files_of_others_stay(tmp_path, dead):
    host, end = unfinished._host(), unfinished.SUFFIX
    for name in (f".a{end}", f".a.{host}.b{end}", f"a.{host}.{dead}{end}", ".bashrc"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    before = names(tmp_path)
    unfinished.remove(tmp_path)
    unfinished.remove(tmp_path / "none")
    assert names(tmp_path) == before


@pytest.mark.parametrize("name", ["a" * 255, "é" * 127])
def test_any_name_leaves_room_for_the_rest(tmp_path, name):
    files.write(tmp_path / name, "whole")
    assert names(tmp_path) == [name]
