"""Real signals to real processes, which import nothing slow.

| mutant | fails |
|---|---|
| handlers run in the main thread | test_a_busy_main_thread_ends_at_once |
| SIGHUP and SIGUSR1 are not watched | test_status_and_one_sentence |
| ignored signals are caught | test_what_was_ignored_stays_ignored |
| deferred ends at the first | test_deferred_notes_the_first_and_ends_at_the_second |
| clean-ups are not called | test_what_is_left_is_cleaned_up |
| what is said within is said no more after it | test_what_it_would_leave_* |
| a broken pipe raises | test_output_may_leave |
"""

import os
import signal
import subprocess
import sys
import time

import pytest

from experiment import signals
from tests.fresh import FOREGROUND, ROOT

HEAD = "from experiment import signals; signals.watch(); print('go', flush=True)\n"


def begin(program, *, ignored=(), **options):
    """A process that has said "go"."""

    ignoring = "".join(f"signal.signal({n}, signal.SIG_IGN); " for n in ignored)
    head = f"import signal; {ignoring}{HEAD}"
    process = subprocess.Popen(
        [*FOREGROUND, sys.executable, "-c", head + program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
    assert process.stdout.readline() == "go\n"
    return process


@pytest.mark.parametrize("number", signals.CAUGHT)
def test_status_and_one_sentence(number):
    process = begin("import time; time.sleep(60)")
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert errors == f"{signal.Signals(number).name}: stopped.\n"


def test_what_it_would_leave_unsaid_is_said():
    """Where it is known what a signal ends."""
    process = begin(
        "import time\n"
        "with signals.saying('stopped early.'):\n"
        "    with signals.saying('stopped later.'): pass\n"
        "    print('in', flush=True); time.sleep(60)"
    )
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (143, "SIGTERM: stopped early.\n")
    assert signals.sentence(signal.SIGTERM) == "SIGTERM: stopped."


def test_a_busy_main_thread_ends_at_once():
    """Compiling holds the main thread in C++, without Python's lock, as this does."""
    busy = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 2_000_000_000)"
    process, began = begin(busy), time.time()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.time() - began < 20


def test_what_was_ignored_stays_ignored():
    """Under nohup, and in the background of a shell's script."""
    program = "import time; time.sleep(1); print('alive')"
    process = begin(program, ignored=[signal.SIGHUP, signal.SIGINT])
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out, errors) == (0, "alive\n", "")


DEFERRING = """
import time
with signals.deferred() as asked:
    print("in", flush=True)
    while asked.received is None:
        time.sleep(0.01)
    print("noted", asked.received, flush=True)
    time.sleep(WAIT)
print("out", flush=True)
time.sleep(60)
"""


def test_deferred_notes_the_first_and_ends_at_the_second():
    process = begin(DEFERRING.replace("WAIT", "60"))
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "SIGTERM: saving, then stopping.\n"
    assert process.stdout.readline() == "noted 15\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130


def test_after_deferred_a_signal_ends_it():
    process = begin(DEFERRING.replace("WAIT", "0"))
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGUSR1)
    said = [process.stdout.readline() for _ in range(3)]
    assert said == ["SIGUSR1: saving, then stopping.\n", "noted 10\n", "out\n"]
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=30)
    assert process.returncode == 129


def test_what_is_left_is_cleaned_up(tmp_path):
    program = f"""
import pathlib, time
place = pathlib.Path({str(tmp_path / "x")!r})
place.touch()
with signals.at_end(place.unlink):
    print("in", flush=True)
    time.sleep(60)
"""
    process = begin(program)
    assert process.stdout.readline() == "in\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143 and not (tmp_path / "x").exists()


def test_output_may_leave():
    """`| head`: what is said later is lost, the work goes on, and ends with 0."""
    reader, writer = os.pipe()
    program = HEAD + "import sys\nfor i in range(20_000): print(i)\nsys.exit(0)"
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    os.read(reader, 2)
    os.close(reader)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


def test_without_watch_handlers_are_given_back():
    """A program that uses ours keeps its own, and a second signal gets to them."""
    heard = []
    theirs = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    ours = signal.getsignal(signal.SIGUSR1)
    try:
        with signals.deferred() as asked:
            signal.raise_signal(signal.SIGUSR1)
            assert asked.received == signal.SIGUSR1 and heard == []
            signal.raise_signal(signal.SIGUSR1)
            assert heard == [signal.SIGUSR1]
        assert signal.getsignal(signal.SIGUSR1) is ours
    finally:
        signal.signal(signal.SIGUSR1, theirs)
