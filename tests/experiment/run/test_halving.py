"""The worse half of the settings stops, and the others do not notice.

| mutant | fails |
|---|---|
| the better half stops | test_the_worse_half_stops, test_a_half_stops |
| a cut counts rows from before the last one | test_the_worse_half_stops |
| a setting that lost a learner counts by the others | test_the_worse_half_stops |
| who goes on has the numbers of the first learners | test_a_half_stops |
| checkpoints forget those that stopped | test_a_half_stops |
| a resumed run does not read halving.json | test_a_run_goes_on_over_a_cut |
"""

import csv
import json

import jax
import numpy as np
import pytest

import experiment
import train
from experiment.errors import InputError
from experiment.run import halving
from experiment.run.checkpoints import Checkpoints
from experiment.run.halving import Cut
from experiment.run.learners import Learners
from experiment.run.metrics_file import MetricsFile
from experiment.run.outcome import mean_return
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes

# 30 updates, a row every five; the learning rate decides alone.
SWEPT = ("sweep.agent.learning_rate=[1e-6,0.9,3e-2,1e-2]", "agent.discount=0.3")
LENGTH = ("total_steps=600", "log_every=5")
HALVED = ("sweep.halve_at=[0.3,0.6]",)


@pytest.fixture
def halves(make_config, tmp_path):
    """`halves(name, *arguments)`: the run's configuration and its folder."""

    def run(name, *more):
        path = tmp_path / name
        config = make_config(*LENGTH, *SWEPT, *more, f"run_dir={path}")
        assert train.start(config) == 0
        return config, RunFolder(path)

    return run


def rows_of(config, folder):
    return MetricsFile(folder.metrics, Learners.of(config)).read()


def learners_of(config, folder):
    like = learner_shapes(build_agent(config), config)
    return Checkpoints(folder.checkpoints, config).restore(like)[1].params


def row(update, learner, value, count=1):
    mean = value if count else None
    index = {"env_steps": update * 20, "update": update, "seed": learner}
    return {**index, "episode/count": count, "episode/return": mean}


def test_the_worse_half_stops(make_config):
    """Of made-up rows: judged by what was since the last cut, and by whole settings."""
    config = make_config(*LENGTH, *SWEPT, *HALVED)
    values = {0: (9, 9), 1: (1, 1), 2: (2, 4), 3: (7, None)}  # by setting, of two seeds
    early = [row(5, 2 * k + s, 100 * k) for k in range(4) for s in range(2)]
    late = [
        row(10, 2 * k + s, value or 0, count=value is not None)
        for k, of in values.items()
        for s, value in enumerate(of)
    ]
    first = halving.cut(config, early, [], 5)
    assert first == Cut(5, [0, 1])
    # Setting 3 has a seed of which no episode ended: it is the worst of all.
    assert halving.cut(config, early + late, [Cut(5, [])], 10) == Cut(10, [1, 3])
    assert halving.cut(config, early + late, [first], 10) == Cut(10, [3])
    gone = [one for one in early + late if one["seed"] != 0 or one["update"] < 10]
    assert halving.cut(config, gone, [Cut(5, [])], 10) == Cut(10, [0, 3])
    with pytest.raises(InputError, match="must have rows of updates 11 to 15"):
        halving.cut(config, early + late, [Cut(10, [3])], 15)


def test_cuts_lie_at_log_points(make_config):
    config = make_config(*LENGTH, *SWEPT, *HALVED)
    assert halving.ends(config) == [10, 20, 30]
    close = make_config(*LENGTH, *SWEPT, "sweep.halve_at=[0.01,0.02]")
    assert halving.ends(close) == [5, 10, 30]
    assert halving.ends(make_config(*LENGTH)) == [30]


@pytest.mark.slow
def test_a_half_stops(halves):
    config, folder = halves("halved", *HALVED)
    whole, other = halves("whole")
    ours, theirs = rows_of(config, folder), rows_of(whole, other)
    cuts = halving.known(folder.halving, 30)
    assert [cut.update for cut in cuts] == [10, 20]
    left, since = set(range(4)), 0
    for cut in cuts:
        means = {
            k: np.mean(
                [
                    mean_return(
                        [
                            one
                            for one in theirs
                            if one["seed"] == 2 * k + seed
                            and since < one["update"] <= cut.update
                        ]
                    )
                    for seed in range(2)
                ]
            )
            for k in left
        }
        worst = sorted(left, key=means.get)[: len(left) // 2]
        assert sorted(worst) == cut.stopped
        left, since = left - set(worst), cut.update
    (best,) = left
    # Rows of those that stopped end; those that go on are what they would have been.
    wanted = {
        (one["update"], one["seed"]): one
        for one in theirs
        if all(
            one["update"] <= cut.update
            for cut in cuts
            if one["seed"] // 2 in cut.stopped
        )
    }
    assert [(one["update"], one["seed"]) for one in ours] == list(wanted)
    for one in ours:
        for name in ("episode/return", "loss/value"):
            mine, other_one = one[name], wanted[one["update"], one["seed"]][name]
            np.testing.assert_allclose(mine, other_one, rtol=1e-3, atol=1e-4)
    summary = json.loads(folder.summary.read_text())
    assert summary["best_setting"] == best
    reached = [one["reached_env_steps"] for one in summary["settings"]]
    assert reached[best] == 600 and reached[cuts[0].stopped[0]] == 200
    with (folder.path / "settings.csv").open() as file:
        listed = [int(one["setting"]) for one in csv.DictReader(file)]
    assert listed[0] == best and listed[1:2] == cuts[1].stopped
    close = dict(rtol=1e-3, atol=1e-4)
    mine, plain = learners_of(config, folder), learners_of(whole, other)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(
            a[2 * best :][:2], b[2 * best :][:2], **close
        ),
        mine,
        plain,
    )
    # Those that stopped are there, as they were then, and can be played.
    stopped = cuts[0].stopped[0]
    found = experiment.load(str(folder.path), setting=stopped).learner
    assert int(found.num_updates) == 10


@pytest.mark.slow
@pytest.mark.parametrize("parted", [10, 15], ids=["at a cut", "behind one"])
def test_a_run_goes_on_over_a_cut(halves, make_config, tmp_path, monkeypatch, parted):
    """Killed after a checkpoint, before and after it was said who stops."""
    config, folder = halves("whole", *HALVED, "checkpoint_every=1")
    path = tmp_path / "parts"
    told = (*LENGTH, *SWEPT, *HALVED, "checkpoint_every=1", f"run_dir={path}")
    save, seen = Checkpoints.save, []

    def dying(self, update, learners):
        save(self, update, learners)
        seen.append(update)
        if update == parted:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "save", dying)
        train.start(make_config(*told))
    parts = RunFolder(path)
    assert len(halving.known(parts.halving, 30)) == (parted > 10)
    assert train.resume({"resume": str(path)}) == 0
    assert parts.metrics.read_bytes() == folder.metrics.read_bytes()
    assert parts.halving.read_bytes() == folder.halving.read_bytes()
    ours, theirs = learners_of(config, parts), learners_of(config, folder)
    jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def test_what_says_who_stopped_must_be_readable(tmp_path):
    (tmp_path / "halving.json").write_text("{")
    with pytest.raises(InputError, match="must list who stopped when"):
        halving.known(tmp_path / "halving.json", 3)
