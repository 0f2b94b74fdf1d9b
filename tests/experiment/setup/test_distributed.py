"""`distributed=` stands beside a run, and says whole sentences.

| mutant | fails |
|---|---|
"""

import dataclasses

import pytest

import train
from experiment.errors import InputError
from experiment.run import hosts
from experiment.setup import distributed
from experiment.setup.config import Schedule
from experiment.setup.distributed import KEYS, Distributed

BY_HAND = ("distributed.coordinator=10.0.0.1:1234", "distributed.num_processes=2")


def test_it_is_taken_out_of_the_arguments():
    given = ["seed=1", *BY_HAND, "++distributed.process_id=1", "core=gru"]
    rest, found = distributed.taken(given)
    assert rest == ["seed=1", "core=gru"]
    assert found == Distributed("10.0.0.1:1234", 2, 1) and not found.auto
    assert distributed.taken(["seed=1"]) == (["seed=1"], None)
    rest, found = distributed.taken(["distributed=auto"])
    assert rest == [] and found is not None and found.auto


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("distributed=slurm",), "must be auto, or"),
        (("distributed=auto", BY_HAND[0]), "'auto' beside the other keys"),
        ((BY_HAND[0],), "needs distributed.num_processes and distributed.process_id"),
        (BY_HAND, "needs distributed.process_id beside it"),
        ((*BY_HAND, "distributed.process_id=2"), r"from 0 to num_processes - 1 \(1\)"),
        ((*BY_HAND, "distributed.process_id=true"), "must be an integer from 0"),
        (
            (BY_HAND[0], "distributed.num_processes=0", "distributed.process_id=0"),
            "at least 1; got 0",
        ),
        (
            ("distributed.coordinator=host", BY_HAND[1], "distributed.process_id=0"),
            "must be host:port, as in .*; got 'host'",
        ),
        (
            ("distributed.coordinator=h:70000", BY_HAND[1], "distributed.process_id=0"),
            "must be host:port",
        ),
        (("distributed.processes=2",), "unknown key distributed.processes"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(arguments, said):
    with pytest.raises(InputError, match=said):
        distributed.taken(arguments)


def test_it_is_refused_before_anybody_is_waited_for(refused):
    assert "distributed.process_id" in refused(train, *BY_HAND)
    whole = (*BY_HAND, "distributed.process_id=1")
    assert "core" in refused(train, *whole, "core=nothing")
    assert "--multirun" in refused(train, "--multirun", "seed=0,1", *whole)


def test_a_new_run_and_one_gone_on_with_are_made_together(monkeypatch, call, tmp_path):
    """With what the arguments said, and nothing of it in the run's configuration."""
    seen = []

    def together(found, work):
        seen.append((found, work))
        return 0

    monkeypatch.setattr(hosts, "together", together)
    whole = (*BY_HAND, "distributed.process_id=1")
    assert call(train, *whole, f"run_dir={tmp_path / 'new'}")[0] == 0
    assert call(train, *whole, f"resume={tmp_path / 'new'}")[0] == 0
    (found, begin), (again, go_on) = seen
    assert found == again == Distributed("10.0.0.1:1234", 2, 1)
    assert (begin.func, go_on.func) == (train.start, train.resume)
    assert not (tmp_path / "new").exists()
    assert "distributed" not in {field.name for field in dataclasses.fields(Schedule)}


def test_it_is_in_the_help(call):
    said = call(train, "--help")[1]
    assert all(key in said for key in KEYS)
