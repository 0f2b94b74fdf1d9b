"""Several processes make one run, in real processes on this machine.

| mutant | fails |
|---|---|
"""

import json
import os
import signal
import time

import pytest

from experiment.run import hosts
from experiment.setup.distributed import Distributed
from tests.experiment.run import several
from tests.experiment.run.several import LONG, SMALL
from tests.faults.runs import outcome, reached

WITHIN = 60.0  # seconds from a loss to the end


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"


def all_of(processes, seconds=300):
    return [several.end(process, seconds) for process in processes]


def values(folder):
    """What the newest checkpoint says of its values."""
    update = str(reached(folder)[1])
    record = json.loads((folder / "checkpoints" / update / "record.json").read_text())
    return update, record["values"]


def test_one_process_agrees_with_itself():
    alone = hosts.here()
    assert alone.writes and alone.count == 1
    assert alone.told(lambda: "this") == "this"
    assert alone.number(0.1 + 0.2) == 0.1 + 0.2
    alone.same("the configuration", "that")
    alone.wait("here")


@pytest.mark.slow
def test_two_processes_compute_what_one_does(place, cache):
    """Bit for bit: learners lie on four devices, and nothing is sent between them."""
    run = (*SMALL, "num_seeds=4", "total_steps=1_000")
    two, one = place / "two", place / "one"
    ended = all_of(several.crew(cache, *run, f"run_dir={two}"))
    assert [e.status for e in ended] == [0, 0], ended
    assert (ended[1].out, ended[1].errors) == ("", "")
    whole = several.end(several.begin(cache, 4, *run, f"run_dir={one}"))
    assert whole.status == 0, whole
    assert (two / "metrics.csv").read_bytes() == (one / "metrics.csv").read_bytes()
    assert values(two) == values(one)
    assert (two / "summary.json").exists()
    assert outcome(two) == outcome(one)  # read by one process, on one device
    # Each stored its own.
    stored = two / "checkpoints" / "50" / "values"
    assert len(list(stored.glob("ocdbt.process_*"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "said"), [(1, "process 1 of 2 is lost"), (0, "another process")]
)
def test_a_lost_process_ends_the_run_which_goes_on_with_fewer(
    place, cache, victim, said
):
    folder, run = place / f"lost_{victim}", (*SMALL, "num_seeds=4")
    processes = several.crew(cache, *run, LONG, f"run_dir={folder}")
    several.until(processes[0], "steps/s")
    while not reached(folder)[1]:
        time.sleep(0.1)
    os.kill(processes[victim].pid, signal.SIGKILL)
    began = time.monotonic()
    left = several.end(processes[1 - victim], 2 * WITHIN)
    assert time.monotonic() - began < WITHIN
    several.end(processes[victim])
    assert left.status == 4, left
    assert said in left.sentence and "Traceback" not in left.errors, left.errors
    # It goes on with one process, and then with two, from where it stands.
    last = saved = reached(folder)[1]
    for devices in (4, 2):
        process = several.begin(cache, devices, f"resume={folder}")
        several.until(process, "steps/s")
        process.send_signal(signal.SIGUSR1)
        ended = several.end(process)
        assert ended.status == 128 + signal.SIGUSR1, ended
        rows, saved = reached(folder)
        assert saved == rows > last
        last = saved


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_any_of_them_saves_and_stops_all(place, cache, number):
    """And it goes on as if nothing had been, with two processes or with one."""
    run = (*SMALL, "num_seeds=4")
    folder = place / f"stopped_{number}"
    processes = several.crew(cache, *run, LONG, f"run_dir={folder}")
    several.until(processes[0], "steps/s")
    processes[1].send_signal(number)
    ended = all_of(processes)
    assert [e.status for e in ended] == [128 + number] * 2, ended
    rows, saved = reached(folder)
    assert rows == saved > 0
    # The same from here on, whoever goes on.
    most = f"total_steps={LONG.partition('=')[2]}"
    again = all_of(
        several.crew(cache, f"resume={folder}", most, faults=("in-log:3=stop", ""))
    )
    assert [e.status for e in again] == [143, 143], again
    assert reached(folder) == (saved + 20, saved + 20)


@pytest.mark.slow
def test_what_one_cannot_do_ends_all_with_its_sentence(place, cache):
    run = (*SMALL, "num_seeds=4", LONG)
    folder = place / "full"
    processes = several.crew(
        cache, *run, f"run_dir={folder}", faults=("in-save:3=full", "")
    )
    first, second = all_of(processes)
    assert (first.status, second.status) == (4, 4), (first, second)
    assert "No space left" in first.sentence and "No space left" in second.sentence
    assert "process 0 of 2 has ended" in second.sentence
    assert reached(folder)[1] == 40


@pytest.mark.slow
def test_lanes_over_processes_are_those_of_one_up_to_rounding(place, cache):
    run = (*SMALL, "num_seeds=1", "agent.num_envs=8", "total_steps=200", "log_every=1")
    two, one = place / "lanes_two", place / "lanes_one"
    ended = all_of(several.crew(cache, *run, f"run_dir={two}"))
    assert [e.status for e in ended] == [0, 0], ended
    assert several.end(several.begin(cache, 4, *run, f"run_dir={one}")).status == 0


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="needs distributed.num_processes"):
        Distributed(coordinator="a:1")
