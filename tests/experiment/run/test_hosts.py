"""Several processes make one run, in real processes on this machine.

| mutant | fails |
|---|---|
"""

import json
import os
import signal
import time

import jax
import numpy as np
import pytest

from experiment.run import hosts
from experiment.run.checkpoints import Checkpoints
from experiment.run.metrics_file import MetricsFile
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes
from tests.experiment.run import several
from tests.experiment.run.several import LONG, SMALL
from tests.faults.runs import reached

WITHIN = 60.0  # seconds from a loss to the end
EQUAL, CLOSE = dict(rtol=0, atol=0), dict(rtol=2e-3, atol=2e-5)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "compiled"


@pytest.fixture
def begin(cache):
    """`several.begin` and, as `begin.crew`, `several.crew`; what is left is killed."""
    left = []

    def one(*arguments):
        left.append(several.begin(cache, *arguments))
        return left[-1]

    def crew(*arguments, **options):
        found = several.crew(cache, *arguments, **options)
        left.extend(found)
        return found

    one.crew = crew
    yield one
    for process in left:
        if process.poll() is None:
            process.kill()
        process.communicate()


def all_of(processes, seconds=300):
    return [several.end(process, seconds) for process in processes]


def test_one_process_agrees_with_itself():
    alone = hosts.here()
    assert alone.writes and alone.count == 1
    assert alone.told(lambda: "this") == "this"
    assert alone.number(0.1 + 0.2) == 0.1 + 0.2
    alone.same("the configuration", "that")
    alone.wait("here")


def numbers(folder):
    """Every array of the newest checkpoint, read by this process, on one device."""
    config = RunFolder(folder).load_config()
    like = learner_shapes(build_agent(config), config)
    _, learners = Checkpoints(folder / "checkpoints", config).restore(like)
    learners = learners._replace(key=jax.random.key_data(learners.key))
    return [np.asarray(leaf) for leaf in jax.tree.leaves(learners)]


def rows(folder):
    found = MetricsFile(folder / "metrics.csv").read()
    return [[np.nan if x is None else x for x in row.values()] for row in found]


@pytest.mark.slow
@pytest.mark.parametrize(
    "of", [("num_seeds=4",), ("num_seeds=1", "agent.num_envs=8", "mesh.envs=4")]
)
def test_two_processes_compute_what_one_does(place, begin, of):
    """Learners over them, who send nothing: bit for bit; or lanes: up to rounding."""
    run = (*SMALL, *of, "total_steps=200", "log_every=1")
    two, one = place / f"two_{len(of)}", place / f"one_{len(of)}"
    slurm = len(of) == 1
    ended = all_of(begin.crew(*run, f"run_dir={two}", slurm=slurm))
    assert [e.status for e in ended] == [0, 0], ended
    assert ended[1].out == "" and "error:" not in ended[1].errors  # one speaks
    whole = several.end(begin(4, *run, f"run_dir={one}"))
    assert whole.status == 0, whole
    close = EQUAL if len(of) == 1 else CLOSE
    np.testing.assert_allclose(rows(two), rows(one), **close)
    for ours, theirs in zip(numbers(two), numbers(one), strict=True):
        np.testing.assert_allclose(ours, theirs, **close)
    for folder in (two, one):
        (start,) = json.loads((folder / "manifest.json").read_text())["starts"]
        assert len(start["devices"]) == 4
    names = [{path.name for path in folder.iterdir()} for folder in (two, one)]
    assert names[0] == names[1]
    # Each stored its own part.
    newest = two / "checkpoints" / str(reached(two)[1]) / "values"
    assert len(list(newest.glob("ocdbt.process_*"))) == 2


@pytest.mark.slow
def test_a_lost_process_ends_the_run_which_goes_on_with_fewer_or_as_many(place, begin):
    folder = place / "lost"
    processes = begin.crew(*SMALL, "num_seeds=4", LONG, f"run_dir={folder}")
    lose(processes, 1, folder, "process 1 of 2 is lost")
    first = reached(folder)[1]
    one = begin(4, f"resume={folder}")
    trains(one, folder, after=reached(folder)[0], saved=False)
    one.send_signal(signal.SIGUSR1)
    ended = several.end(one)
    assert ended.status == 128 + signal.SIGUSR1, ended
    written, second = reached(folder)
    assert written == second > first
    two = begin.crew(f"resume={folder}", faults=("in-log:3=stop", ""))
    assert [e.status for e in all_of(two)] == [143, 143]
    assert reached(folder)[0] == reached(folder)[1] > second


@pytest.mark.slow
def test_the_process_that_coordinates_is_missed_as_well(place, begin):
    folder = place / "lost_first"
    processes = begin.crew(*SMALL, "num_seeds=4", LONG, f"run_dir={folder}")
    lose(processes, 0, folder, "another process of this run is lost")


def trains(process, folder, *, after=0, saved=True):
    """Waits until there is a checkpoint, or a row, of a later update than that."""
    while reached(folder)[saved] <= after:
        assert process.poll() is None, process.stderr.read()[-3000:]
        time.sleep(0.1)


def lose(processes, victim, folder, said):
    """Kills one that trains; the other ends in time, with a sentence."""
    trains(processes[0], folder)
    os.kill(processes[victim].pid, signal.SIGKILL)
    began = time.monotonic()
    left = several.end(processes[1 - victim], 2 * WITHIN)
    assert time.monotonic() - began < WITHIN
    assert left.status == 4, left
    assert said in left.sentence and "Traceback" not in left.errors, left.errors
    several.end(processes[victim])


@pytest.mark.slow
def test_a_signal_to_any_of_them_saves_and_stops_all(place, begin):
    folder = place / "stopped"
    processes = begin.crew(
        *(*SMALL, "num_seeds=4", LONG, f"run_dir={folder}"),
        "checkpoint_every=1h",  # so that nothing but the signal can have saved
    )
    trains(processes[0], folder, saved=False)
    processes[1].send_signal(signal.SIGTERM)
    ended = all_of(processes)
    assert [e.status for e in ended] == [143, 143], ended
    written, saved = reached(folder)
    assert written == saved > 0


@pytest.mark.slow
def test_what_one_cannot_do_ends_all_with_its_sentence(place, begin):
    run = (*SMALL, "num_seeds=4", LONG)
    folder = place / "full"
    processes = begin.crew(*run, f"run_dir={folder}", faults=("in-save:3=full", ""))
    first, second = all_of(processes)
    assert (first.status, second.status) == (4, 4), (first, second)
    assert "No space left" in first.sentence and "No space left" in second.sentence
    assert "process 0 of 2 has ended" in second.sentence
    assert reached(folder)[1] == 40
