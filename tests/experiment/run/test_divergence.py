"""One learner diverges, and the others go on as if it had not been there.

| mutant | fails |
|---|---|
| rows of the sick go on | test_the_healthy_go_on_bit_for_bit |
| the run stops | test_the_healthy_go_on_bit_for_bit |
| what is kept is the state after | test_what_is_kept_reproduces_it |
| `known` takes all there are | test_a_resumed_run_goes_on_likewise |
| a summary of the others' mean | test_the_summary_says_who_diverged |
"""

import json
import signal

import jax
import numpy as np
import pytest

from experiment.run import progress
from experiment.run.checkpoints import Checkpoints
from experiment.run.metrics_file import MetricsFile
from experiment.setup.building import over_seeds, seed_keys


def rows_of(folder, seed):
    lines = folder.metrics.read_text().splitlines()[1:]
    return [line for line in lines if line.split(",")[2] == str(seed)]


def learner(folder, agent, config, seed):
    """Of the newest checkpoint, as plain arrays."""
    like = jax.eval_shape(over_seeds(agent.initialise), seed_keys(config))
    _, learners = Checkpoints(folder.checkpoints).restore(like)
    learners = learners._replace(key=jax.random.key_data(learners.key))
    return [np.asarray(leaf)[seed] for leaf in jax.tree.leaves(learners)]


def test_the_healthy_go_on_bit_for_bit(go, make_config, stub_agent, capsys):
    config, agent = make_config("num_seeds=3"), stub_agent(bad_at=11, bad_seed=1)
    _, well = go("well", "num_seeds=3")
    status, folder = go("sick", "num_seeds=3", agent=agent)
    assert status == 3
    for seed in (0, 2):
        assert rows_of(folder, seed) == rows_of(well, seed)
        for a, b in zip(learner(folder, agent, config, seed),
                        learner(well, agent, config, seed), strict=True):  # fmt: skip
            np.testing.assert_array_equal(a, b)
    assert rows_of(folder, 1) == rows_of(well, 1)[:3]  # updates 3, 6 and 9
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("seed 1 diverged: loss/value") for line in said)
    assert "training diverged: loss/value is not finite at update 11 of seed 1" in (
        said[-1] + said[-2]
    )


def test_several_diverge_and_all_are_named(go, stub_agent, capsys):
    class Both(type(stub_agent())):
        def update(self, learner):
            one, other = stub_agent(5, 0).update(learner), stub_agent(11, 1)
            return one[0], {
                name: value + 0 * other.update(learner)[1][name]
                for name, value in one[1].items()
            }

    status, folder = go("run", agent=Both())
    assert status == 3 and not folder.summary.exists()
    said = capsys.readouterr().out
    assert "at update 5 of seed 0" in said and "at update 11 of seed 1" in said
    assert {path.name for path in folder.diverged.iterdir()} == {"seed_0", "seed_1"}


@pytest.mark.thinned(2)
@pytest.mark.parametrize("bad_at", [1, 11])
def test_what_is_kept_reproduces_it(go, make_config, stub_agent, bad_at):
    """From the start where nothing was saved, else from the last checkpoint."""
    agent, config = stub_agent(bad_at, 1), make_config()
    _, folder = go("run", agent=agent)
    place = folder.diverged / "seed_1"
    told = json.loads((place / "reproduce.json").read_text())
    assert (told["seed"], told["update"], told["metric"]) == (1, bad_at, "loss/value")
    assert told["good_update"] == (0 if bad_at == 1 else 9)
    assert told["config"]["seed"] == config.schedule.seed
    with np.load(place / "learner.npz", allow_pickle=False) as file:
        kept = dict(file)
    whole = jax.vmap(agent.initialise)(seed_keys(config))
    whole = whole._replace(
        params={"w": whole.params["w"].at[1].set(kept[".params['w']"])},
        key=whole.key.at[1].set(jax.random.wrap_key_data(kept[".key"])),
        num_updates=whole.num_updates.at[1].set(kept[".num_updates"]),
    )
    update = jax.jit(over_seeds(agent.update))
    for _ in range(told["update"] - told["good_update"]):
        assert np.isfinite(whole.params["w"][1]).all()
        whole, metrics = update(whole)
    assert not np.isfinite(metrics["loss/value"][1])


@pytest.mark.thinned(2)
@pytest.mark.parametrize("stop_at", [6, 12, 18])
def test_a_resumed_run_goes_on_likewise(go, stub_agent, monkeypatch, stop_at):
    agent = stub_agent(bad_at=11, bad_seed=0)
    _, whole = go("whole", agent=agent)
    show = progress.Ticker.show

    def show_then_stop(self, rows):
        show(self, rows)
        if rows[0]["update"] == stop_at:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(progress.Ticker, "show", show_then_stop)
        status, parts = go("parts", agent=agent)
    assert status == 143
    assert go("parts", agent=agent, resume=True)[0] == 3
    assert parts.metrics.read_bytes() == whole.metrics.read_bytes()
    a, b = (json.loads((f.diverged / "seed_0" / "reproduce.json").read_text())
            for f in (parts, whole))  # fmt: skip
    assert (a["seed"], a["update"]) == (b["seed"], b["update"]) == (0, 11)


def test_the_summary_says_who_diverged(go, stub_agent):
    _, folder = go("run", "num_seeds=3", agent=stub_agent(11, 1))
    summary = json.loads(folder.summary.read_text())
    assert summary["diverged_seeds"] == [1]
    assert summary["final_return"] is None
    assert [r is None for r in summary["final_return_per_seed"]] == [False, True, False]
    assert folder.learning_curve.exists()
    assert MetricsFile(folder.metrics).read()[-1]["update"] == 23
