"""One owner of a folder; a dead one is no owner.

| mutant | fails |
|---|---|
| the file alone is the lock | test_a_dead_owner_is_succeeded |
| nothing is locked | test_a_second_process_is_refused_by_name |
| a removed file's lock counts | test_a_lock_on_a_removed_file_is_none |
| other hosts are not looked at | test_an_owner_on_another_host_is_believed |
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from experiment import unfinished
from experiment.errors import InputError
from experiment.run import lock as lock_module
from experiment.run.lock import Lock
from tests.fresh import ROOT

HOLD = """
import sys, time
from pathlib import Path
from experiment.run.lock import Lock
Lock(Path(sys.argv[1])).take()
print("taken", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock.json"


@pytest.fixture
def other(path):
    """Another process, which owns it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "taken\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_by_name(path, other):
    with pytest.raises(InputError) as refusal:
        Lock(path).take()
    said = str(refusal.value)
    assert f"process {other.pid} on {socket.gethostname()}" in said
    assert "\n" not in said
    assert json.loads(path.read_text())["pid"] == other.pid  # and nothing was changed


def test_a_dead_owner_is_succeeded(path, other):
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert path.exists()
    lock = Lock(path)
    lock.take()
    assert json.loads(path.read_text())["pid"] == os.getpid()
    lock.release()
    assert not path.exists()


def test_it_can_be_taken_again_after_release(path):
    for _ in range(3):
        lock = Lock(path)
        lock.take()
        with pytest.raises(InputError, match="is in use by process"):
            Lock(path).take()
        lock.release()
        lock.release()


def test_a_lock_on_a_removed_file_is_none(path, monkeypatch):
    """Its owner lets go between our opening it and our locking it."""
    first = Lock(path)
    first.take()
    hold, calls = unfinished.hold, []

    def release_then_hold(handle):
        calls.append(handle)
        first.release()
        return hold(handle)

    monkeypatch.setattr(unfinished, "hold", release_then_hold)
    second = Lock(path)
    second.take()
    assert len(calls) == 2
    monkeypatch.undo()
    with pytest.raises(InputError):
        Lock(path).take()
    second.release()


def test_an_owner_on_another_host_is_believed(path):
    """Where locks do not reach over hosts, the age of the file tells."""
    path.write_text(json.dumps({"pid": 5, "host": "elsewhere", "since": "then"}))
    with pytest.raises(InputError, match=r"process 5 on elsewhere.* showed life"):
        Lock(path).take()
    old = time.time() - lock_module.STALE - 1
    os.utime(path, (old, old))
    lock = Lock(path)
    lock.take()
    lock.release()


@pytest.mark.parametrize("content", ["", "[]", "{", "\0\0", '{"pid": 1}'])
def test_a_damaged_lock_without_an_owner_is_taken(path, content):
    path.write_text(content)
    lock = Lock(path)
    lock.take()
    lock.release()
