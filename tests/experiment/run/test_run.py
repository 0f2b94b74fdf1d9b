"""A real agent, trained through the front door: its folder, and exact resumption.

`test_loop.py` holds the laws of the host loop; here it is PPO with S5 and two seeds, in
processes that get real signals. Compiled code comes from a cache that all runs share,
so this cannot see a compiler that gives different code for the same program.

| mutant | fails |
|---|---|
| the observation is not restored | test_stopped_by_a_signal_and_resumed_is_the_same |
| num_parameters counts all seeds | test_the_summary_says_everything |
"""

import json
import signal

import jax
import numpy as np
import pytest
from omegaconf import OmegaConf

import s5rl
import train
from experiment.run.checkpoints import Checkpoints
from experiment.run.metrics_file import MetricsFile
from experiment.run.run_folder import RunFolder
from experiment.setup import config as run_config
from experiment.setup.building import build_agent, over_seeds, seed_keys

TOTAL = 20 * 400 + 7
LONG = (f"total_steps={TOTAL}", "log_every=7", "checkpoint_every=10")


@pytest.fixture(scope="module")
def whole(make_config, tmp_path_factory):
    """A run that nothing interrupted: `(config, folder)`."""
    path = tmp_path_factory.mktemp("runs") / "whole"
    config = make_config(*LONG, f"run_dir={path}")
    assert train.start(config) == 0
    return config, RunFolder(path)


def final(config, folder):
    like = jax.eval_shape(over_seeds(build_agent(config).initialise), seed_keys(config))
    update, learners = Checkpoints(folder.checkpoints).restore(like)
    learners = learners._replace(key=jax.random.key_data(learners.key))
    return update, [np.asarray(leaf) for leaf in jax.tree.leaves(learners)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status"),
    [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)],
)
def test_stopped_by_a_signal_and_resumed_is_the_same(
    whole, start, tiny, tmp_path, number, status
):
    """The whole way: `python train.py`, the signal, `python train.py resume=`."""
    config, folder = whole
    parts = RunFolder(tmp_path / "parts")
    process = start("train.py", *tiny, *LONG, f"run_dir={parts.path}")
    for line in process.stdout:
        if "steps/s" in line:
            break
    process.send_signal(number)
    out, errors = process.communicate(timeout=120)
    assert process.returncode == status, out + errors
    rows = MetricsFile(parts.metrics).read()
    assert 0 < rows[-1]["update"] < 400, "stopped too late to show anything"
    assert not parts.summary.exists()
    if number == signal.SIGINT:
        process = start("train.py", f"resume={parts.path}")
        out, errors = process.communicate(timeout=240)
        assert process.returncode == 0, out + errors
    else:
        assert train.resume({"resume": str(parts.path)}) == 0
    assert parts.metrics.read_bytes() == folder.metrics.read_bytes()
    (update, ours), (other_update, theirs) = final(config, parts), final(config, folder)
    assert update == other_update == 400
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    starts = json.loads(parts.manifest.read_text())["starts"]
    assert len(starts) == 2


def test_what_has_ended_is_left_as_it_is(whole, capsys):
    """Its record says how long training took, and not how long it took to look."""
    _, folder = whole
    before = {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.path.rglob("*")
        if path.is_file()
    }
    assert train.resume({"resume": str(folder.path)}) == 0
    said = capsys.readouterr().out
    assert "ended before, with final_return" in said and "total_steps=" in said
    for path, found in before.items():
        assert (path.read_bytes(), path.stat().st_mtime_ns) == found, path
    assert {p for p in folder.path.rglob("*") if p.is_file()} == set(before)


def test_the_configuration_is_written_resolved(whole):
    config, folder = whole
    text = folder.config.read_text()
    assert "${" not in text and "rollout_length: 5" in text
    assert folder.load_config() == config
    plain = OmegaConf.to_container(OmegaConf.load(folder.config))
    assert run_config.load(plain) == config


def test_the_manifest_says_how_to_repeat_it(whole):
    (entry,) = json.loads(whole[1].manifest.read_text())["starts"]
    assert entry["versions"]["jax"] == jax.__version__
    assert entry["devices"] and entry["python"] and entry["command"]
    assert {"started", "commit"} <= set(entry)


def test_a_row_a_log_point_and_seed(whole):
    _, folder = whole
    rows = MetricsFile(folder.metrics).read()
    assert len(rows) == 2 * -(-400 // 7)
    assert rows[-1]["env_steps"] == 8000
    ended = [row["episode/count"] for row in rows if row["seed"] == 1]
    assert sum(ended) == 8000 / 5  # an episode takes five steps
    assert {row["episode/length"] for row in rows} == {5.0}


def test_the_summary_says_everything(whole):
    config, folder = whole
    summary = json.loads(folder.summary.read_text())
    core = s5rl.make_core(
        "s5", features=8, num_layers=1, state_size=4, dt_min=config.core.options.dt_min
    )
    shapes = jax.eval_shape(
        core.init,
        jax.random.key(0),
        core.initial_carry(1),
        jax.ShapeDtypeStruct((1, 1, 8), np.float32),
        jax.ShapeDtypeStruct((1, 1), bool),
    )
    in_core = sum(x.size for x in jax.tree.leaves(shapes))
    # Three observations to 8, and 8 to two actions and a value, with their biases.
    assert summary["num_parameters"] == in_core + (3 * 8 + 8) + (8 * 2 + 2) + (8 + 1)
    assert (summary["env"], summary["core"], summary["agent"]) == (
        "memory_chain", "s5", "ppo",
    )  # fmt: skip
    assert summary["num_seeds"] == len(summary["final_return_per_seed"]) == 2
    assert summary["env_steps"] == 8000
    assert -1 <= summary["final_return"] <= 1
    assert 0 < summary["compile_seconds"] < summary["wall_seconds"]
    assert summary["steps_per_second"] > 0


def test_the_rest_of_the_folder_is_there(whole):
    _, folder = whole
    assert folder.learning_curve.read_bytes().startswith(b"\x89PNG")
    (events,) = folder.tensorboard.iterdir()
    assert events.stat().st_size > 1000
    assert {"config.yaml", "manifest.json", "metrics.csv", "clock.csv", "summary.json",
            "learning_curve.png", "tensorboard", "checkpoints",
            } == {path.name for path in folder.path.iterdir()}  # fmt: skip


@pytest.mark.slow  # a compilation of its own; test_loop.py has the same with a stub
def test_learning_rates_beyond_reason_diverge_with_status_3(
    make_config, tmp_path, capsys
):
    config = make_config(
        "total_steps=400", f"run_dir={tmp_path}", "agent.learning_rate=1e38",
        "agent.max_grad_norm=1e38",
    )  # fmt: skip
    assert train.start(config) == 3
    said = capsys.readouterr().out
    assert "training diverged: " in said and "is not finite at update " in said
    assert not (tmp_path / "summary.json").exists()
