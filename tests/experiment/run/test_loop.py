"""The host loop, with an agent that compiles at once (`StubAgent`).

| mutant | fails |
|---|---|
| the key is not restored | test_interrupted_anywhere_and_resumed_is_the_same |
| every window is log_every long | test_interrupted_anywhere_and_resumed_is_the_same |
| a signal returns 128 | test_interrupted_anywhere_and_resumed_is_the_same |
| handlers are not given back | test_handlers_are_given_back |
| rows after the checkpoint stay | test_a_killed_run_loses_nothing |
| saving comes before the NaN check | test_divergence_keeps_the_last_good_checkpoint |
| metrics in jit's order | test_divergence_names_the_cause |
| the summary is of the last half | test_the_summary_is_of_the_last_tenth |
| the seed is ignored | test_seeds_differ_and_repeat |
| keys depend on num_seeds | test_a_learner_does_not_depend_on_how_many_there_are |
| who goes on is told that nothing is saved | test_a_signal_before_training_* |
"""

import json
import signal

import jax
import numpy as np
import pytest

from experiment import signals
from experiment.run import compiling, loop, progress
from experiment.run.checkpoints import Checkpoints
from experiment.run.metrics_file import MetricsFile
from experiment.run.run_folder import RunFolder
from experiment.setup.building import over_seeds, seed_keys


def final(folder, agent, config):
    """The newest checkpoint as plain arrays."""
    like = jax.eval_shape(over_seeds(agent.initialise), seed_keys(config))
    update, learners = Checkpoints(folder.checkpoints).restore(like)
    learners = learners._replace(key=jax.random.key_data(learners.key))
    return update, [np.asarray(leaf) for leaf in jax.tree.leaves(learners)]


def same(one, other, agent, config):
    assert one.metrics.read_bytes() == other.metrics.read_bytes()
    (update, ours), (other_update, theirs) = (
        final(folder, agent, config) for folder in (one, other)
    )
    assert update == other_update
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def signal_at(monkeypatch, update, number):
    """A real signal, that arrives while a log point is drawn."""
    show = progress.Ticker.show

    def show_then_signal(self, rows):
        show(self, rows)
        if rows[0]["update"] == update:
            signal.raise_signal(number)

    monkeypatch.setattr(progress.Ticker, "show", show_then_signal)


@pytest.mark.thinned(2)
@pytest.mark.parametrize(
    ("update", "number", "status"),
    [(3, signal.SIGINT, 130), (12, signal.SIGTERM, 143), (21, signal.SIGINT, 130)],
)
def test_interrupted_anywhere_and_resumed_is_the_same(
    go, make_config, stub_agent, monkeypatch, update, number, status
):
    done, whole = go("whole")
    with monkeypatch.context() as patch:
        signal_at(patch, update, number)
        stopped, parts = go("parts")
    assert (done, stopped) == (0, status)
    assert not parts.summary.exists()
    assert go("parts", resume=True)[0] == 0
    same(whole, parts, stub_agent(), make_config())


def test_a_signal_at_the_very_end_changes_nothing(go, monkeypatch):
    signal_at(monkeypatch, 23, signal.SIGTERM)
    status, folder = go("run")
    assert status == 0 and folder.summary.exists()


@pytest.mark.parametrize("update", [3, 1000])
def test_handlers_are_given_back(go, monkeypatch, update):
    """After a signal, so that a second one acts as ever; and after none."""
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    signal_at(monkeypatch, update, signal.SIGINT)
    go("run")
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_killed_run_loses_nothing(go, make_config, stub_agent, monkeypatch):
    """kill -9 leaves rows, the last one torn, beyond the newest checkpoint."""

    class Killed(BaseException):
        pass

    def killed(self, rows):
        if rows[0]["update"] == 15:
            raise Killed

    _, whole = go("whole")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(progress.Ticker, "show", killed)
        go("parts")
    parts = RunFolder(whole.path.parent / "parts")
    assert MetricsFile(parts.metrics).read()[-1]["update"] == 15
    with parts.metrics.open("a") as file:
        file.write("360,18,0,1.")
    assert go("parts", resume=True)[0] == 0
    same(whole, parts, stub_agent(), make_config())


def test_the_total_need_not_be_a_multiple(go):
    _, folder = go("run")
    rows = MetricsFile(folder.metrics).read()
    updates = [3, 6, 9, 12, 15, 18, 21, 23]
    assert [row["update"] for row in rows if row["seed"] == 0] == updates
    assert all(row["env_steps"] == 20 * row["update"] for row in rows)
    assert len(rows) == 2 * len(updates)


def test_log_every_changes_rows_and_nothing_else(go, make_config, stub_agent):
    agent, config = stub_agent(), make_config()
    (_, one), (_, other) = go("one"), go("other", "log_every=1", "checkpoint_every=2")
    for a, b in zip(final(one, agent, config)[1], final(other, agent, config)[1],
                    strict=True):  # fmt: skip
        np.testing.assert_array_equal(a, b)


def test_resuming_a_finished_run_changes_nothing(go, make_config, stub_agent):
    _, folder = go("run")
    before = folder.metrics.read_bytes()
    arrays = final(folder, stub_agent(), make_config())
    assert go("run", resume=True)[0] == 0
    assert folder.metrics.read_bytes() == before
    again = final(folder, stub_agent(), make_config())
    assert arrays[0] == again[0] == 23
    for a, b in zip(arrays[1], again[1], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_can_be_made_longer(go, make_config, stub_agent):
    """As if it had been that long, wherever the shorter one ended on a log point."""
    _, longer = go("longer", f"total_steps={20 * 30}")
    go("extended", f"total_steps={20 * 15}")
    _, extended = go("extended", f"total_steps={20 * 30}", resume=True)
    same(longer, extended, stub_agent(), make_config())
    assert extended.load_config().schedule.total_steps == 600


def test_a_signal_before_training_says_what_is_saved(go, monkeypatch):
    """Nothing, or what a run that is gone on with had; later it says no such thing."""
    said = []

    def noting(place, name):
        work = getattr(place, name)

        def noted(*given):
            said.append(signals.sentence(signal.SIGTERM))
            return work(*given)

        monkeypatch.setattr(place, name, noted)

    noting(compiling, "compiled")
    noting(loop.Loop, "run")
    go("run")
    assert said == [
        "SIGTERM: stopped before training began; nothing is saved.",
        "SIGTERM: stopped.",
    ]
    go("run", "total_steps=867", resume=True)
    assert said[2:] == [
        "SIGTERM: stopped before training went on; what was saved stays.",
        "SIGTERM: stopped.",
    ]


def test_divergence_names_the_cause(go, stub_agent, capsys):
    """The first update, then the agent's own order of metrics."""
    status, folder = go("run", "num_seeds=1", agent=stub_agent(bad_at=11))
    assert status == 3
    said = capsys.readouterr().out
    assert "loss/value is not finite at update 11 of seed 0" in said
    assert "the checkpoint of update 9 is kept" in said
    assert not folder.summary.exists()


def test_divergence_keeps_the_last_good_checkpoint(go, make_config, stub_agent):
    _, folder = go("run", "num_seeds=1", agent=stub_agent(bad_at=11))
    update, arrays = final(folder, stub_agent(), make_config("num_seeds=1"))
    assert update == 9
    assert all(np.isfinite(array).all() for array in arrays)
    assert MetricsFile(folder.metrics).read()[-1]["update"] == 9


def test_divergence_before_the_first_checkpoint_begins_anew(go, stub_agent, capsys):
    sick = stub_agent(bad_at=1)
    status, folder = go("run", "num_seeds=1", agent=sick)
    assert status == 3 and "none was saved" in capsys.readouterr().out
    assert go("run", "num_seeds=1", agent=sick, resume=True)[0] == 3
    assert go("run", "num_seeds=1", resume=True)[0] == 0
    assert MetricsFile(folder.metrics).read()[0]["update"] == 3


def test_seeds_differ_and_repeat(go):
    read = [
        go(name, f"seed={seed}")[1].metrics.read_bytes()
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert read[0] == read[1] != read[2]


def test_a_learner_does_not_depend_on_how_many_there_are(make_config):
    one, four = (
        jax.random.key_data(seed_keys(make_config(f"num_seeds={n}"))) for n in (1, 4)
    )
    np.testing.assert_array_equal(one[0], four[0])
    assert len({tuple(key) for key in four.tolist()}) == 4


def test_a_plain_line_a_log_point_where_there_is_no_terminal(go, capsys):
    go("run")
    lines = capsys.readouterr().out.splitlines()
    shown = [line for line in lines if "steps/s" in line]
    assert len(shown) == 8
    assert shown[0].split()[:3] == ["60", "/", "460"]
    assert "\x1b" not in "".join(lines)


def test_about_fifty_lines_a_run_where_there_is_no_terminal(capsys):
    ticker = progress.Ticker(20 * 10_000, 0, 2)
    for update in range(1, 10_001):
        ticker.show([{"env_steps": 20 * update, "episode/return": None}])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == progress.LINES
    assert "200,000 / 200,000 steps of each of 2 learners" in lines[-1]
    assert "steps/s of all" in lines[-1]


def test_the_summary_is_of_the_last_tenth(go):
    _, folder = go("run", "log_every=1")
    rows = MetricsFile(folder.metrics).read()
    late = [row for row in rows if row["update"] in (21, 22, 23)]  # after 414 of 460
    expected = [
        np.mean([r["episode/return"] for r in late
                 if r["seed"] == seed and r["episode/return"] is not None])
        for seed in (0, 1)
    ]  # fmt: skip
    summary = json.loads(folder.summary.read_text())
    np.testing.assert_allclose(summary["final_return_per_seed"], expected)
    np.testing.assert_allclose(summary["final_return"], np.mean(expected))
