"""The device has its next updates before the host looks at the last ones.

| mutant | fails |
|---|---|
| the next is handed over after logging | test_the_next_window_is_handed_over_first |
| what is saved is not a copy | test_what_is_kept_outlives_the_next_window |
| what was done ahead is done again | test_windows_are_a_plain_loop |
| the number is not written | test_rows_a_time_apart_become_rows_some_updates_apart |
| the first updates' metrics are dropped | likewise |
| checkpoints by updates alone | test_checkpoints_by_the_clock |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiment.run import windows
from experiment.run.checkpoints import Checkpoints
from experiment.run.loop import Loop
from experiment.run.metrics_file import MetricsFile
from experiment.run.windows import Windows


@jax.jit
def step(learners):
    return {"w": learners["w"] * 1.5 + 1}, {"m": learners["w"].sum()}


taking = jax.jit(step, donate_argnums=0)


def begin():
    return {"w": jnp.arange(3.0)}


@pytest.mark.parametrize("length", [1, 4, windows.AHEAD + 3, 100])
def test_windows_are_a_plain_loop(length):
    total = 2 * windows.AHEAD + 9
    want, learners = [], begin()
    states = {}
    for count in range(1, total + 1):
        learners, metrics = step(learners)
        want.append(float(metrics["m"]))
        states[count] = np.asarray(learners["w"])
    found, done, learners, begun = [], 0, begin(), ()
    ahead = Windows(taking, length, total)
    while done < total:
        window = ahead.after(done, learners, begun)
        learners, begun = ahead.ahead(window)
        done = window.done
        found += [float(metrics["m"]) for metrics in window.metrics]
        np.testing.assert_array_equal(window.kept["w"], states[done])
        assert done % length == 0 or done == total
        assert len(begun) == min(length, total - done, windows.AHEAD)
    assert found == want


def test_what_is_kept_outlives_the_next_window():
    ahead = Windows(taking, 2, 10)
    window = ahead.after(0, begin())
    ahead.ahead(window)
    assert window.learners["w"].is_deleted() and not window.kept["w"].is_deleted()


def test_the_next_window_is_handed_over_first(go, monkeypatch):
    """Before the last is fetched, logged and saved; and one window ahead at most."""
    order = []
    for owner, name in ((Windows, "ahead"), (Loop, "_fetched"), (Loop, "_log"),
                        (Loop, "_save")):  # fmt: skip
        whole = getattr(owner, name)

        def noted(self, *given, name=name, whole=whole):
            order.append(name)
            return whole(self, *given)

        monkeypatch.setattr(owner, name, noted)
    assert go("run", "checkpoint_every=1")[0] == 0
    assert order == ["ahead", "_fetched", "_log", "_save"] * 8


def test_checkpoints_by_the_clock(go, monkeypatch):
    saved = []
    save = Checkpoints.save
    monkeypatch.setattr(
        Checkpoints, "save", lambda self, n, x: saved.append(n) or save(self, n, x)
    )
    go("never", "checkpoint_every=1h")
    assert saved == [23]
    saved.clear()
    go("always", "checkpoint_every=.000001s")
    assert saved == [3, 6, 9, 12, 15, 18, 21, 23]


def test_rows_a_time_apart_become_rows_some_updates_apart(go, monkeypatch):
    """A number that is in config.yaml, so that going on has the same rows."""
    _, timed = go("timed", "log_every=.000001s")
    assert timed.load_config().schedule.log_every == 1
    _, single = go("single", "log_every=1")
    assert timed.metrics.read_bytes() == single.metrics.read_bytes()
    monkeypatch.setattr(
        windows, "paced", lambda update, learners, *_: (5, *two(update, learners))
    )
    _, timed = go("five", "log_every=10s")
    assert timed.load_config().schedule.log_every == 5
    rows = MetricsFile(timed.metrics).read()
    assert [r["update"] for r in rows if r["seed"] == 0] == [5, 10, 15, 20, 23]
    _, plain = go("plain", "log_every=5")
    assert timed.metrics.read_bytes() == plain.metrics.read_bytes()
    assert go("five", "log_every=5", resume=True)[0] == 0
    assert timed.metrics.read_bytes() == plain.metrics.read_bytes()


def two(update, learners):
    learners, first = update(learners)
    learners, second = update(learners)
    return learners, [first, second]


def test_the_pace_is_measured(monkeypatch):
    """0.1 s an update: 40 of them in 4 s, of which ten were done to know it."""
    now = [0.0]

    def update(learners):
        now[0] += 0.1
        return learners + 1, {"m": jnp.float32(learners)}

    monkeypatch.setattr(windows.time, "perf_counter", lambda: now[0])
    length, learners, begun = windows.paced(update, 0, 4.0, 1000)
    assert length in (39, 40) and learners == len(begun) in (10, 11)
    assert windows.paced(update, 0, 4.0, 25)[0] == 25
    assert windows.paced(update, 0, 0.05, 25)[0] == 1
