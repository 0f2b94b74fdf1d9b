"""The benchmark of the host says when the device had nothing to do.

| mutant | fails |
|---|---|
| idling counts from the handing over | test_idle_time_is_what_passes_after_* |
| an update in flight counts as idling | test_a_device_that_has_work_does_not_idle |
"""

import json

import pytest

from benchmarks import host


class Leaf:
    """An array of a made-up device."""

    def __init__(self, ready):
        self.is_ready = lambda: ready


@pytest.fixture
def watched(monkeypatch):
    """`(calls) -> (idle, starved)`: a call is when, and whether its input is ready."""
    now = [0.0]
    monkeypatch.setattr(host.time, "perf_counter", lambda: now[0])

    def watched(*calls):
        update = host.Watched(lambda leaf: (leaf, {}), 5.0)
        for now[0], ready in calls:
            update(Leaf(ready))
        return update.idle, update.starved

    return watched


def test_idle_time_is_what_passes_after_an_update_must_have_ended(watched):
    assert watched((0, True), (8, True), (20, True)) == (3 + 7, 2)


def test_a_device_that_has_work_does_not_idle(watched):
    assert watched((0, True), (1, False), (2, False), (14, False)) == (0, 0)
    # 15 s of work from 0 on; then nothing for two.
    assert watched((0, True), (1, False), (2, False), (17, True)) == (2, 1)


@pytest.mark.slow  # compiles an agent
def test_a_short_run_prints_its_measurements(capsys):
    small = ("agent.num_envs=2", "agent.num_minibatches=1", "agent.epochs=1")
    host.main(["--updates", "80", "--repeat", "2", *small])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["row"] for row in rows] == ["round", "round", "median"]
    for row in rows:
        assert 0 <= row["idle"] < 1 and 0 <= row["starved"] <= 1
        assert 0 < row["update_ms"] and 0 < row["loop_ms"]
        assert {"jax", "device", "cpus", "commit", "updates"} <= set(row)
