"""Histories of learners of another agent, against a plain loop and the environment.

| mutant | fails |
|---|---|
| lanes keep the tasks that they drew | test_a_learner_stays_in_one_task |
| meta-episodes end, and with them the task | the same |
| the record is played after the updates | test_a_record_is_what_a_plain_loop_gives |
| one update between records, whatever `every` says | the same |
| learners are of one task | test_histories_are_of_many_learners |
| actions of a Box become integers | test_bodies_are_distilled |
| the learner's own bins are written | test_bodies_are_distilled |
"""

import dataclasses
import json

import jax
import numpy as np
import pytest

import train
from agents.distill.learned import Endless, learned, played
from experiment.histories import __main__ as command
from experiment.histories.stored import Stored
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent

pytestmark = pytest.mark.usefixtures("quick_compilation")

LANES, LENGTH, UPDATES, EVERY = 4, 20, 6, 2  # a trial of dark_room is 20 steps
SMALL = (
    *("core=mlp", "core.features=4", "core.num_layers=1", "agent.epochs=1"),
    *("agent.num_minibatches=1", "agent.encoder_sizes=[4]", "agent.head_sizes=[]"),
)
ROOM = (
    *("agent=ppo", "env=dark_room", "env.num_trials=2", *SMALL),
    *(f"agent.num_envs={LANES}", f"agent.rollout_length={LENGTH}"),
    f"total_steps={UPDATES * LANES * LENGTH}",
    "agent.learning_rate=0.3",  # so that every update shows in what is drawn next
)


def compose(*given):
    cli.register()
    return run_config.load(cli.composed("train", list(given)))


@pytest.fixture(scope="module")
def room():
    agent = build_agent(compose(*ROOM))
    axes = dataclasses.replace(agent.axes, seeds=None)
    return dataclasses.replace(agent, env=Endless(agent.env), axes=axes)


@pytest.fixture(scope="module")
def learner(room):
    return jax.jit(room.initialise)(jax.random.key(0))


@pytest.fixture(scope="module")
def history(room, learner):
    records = UPDATES // EVERY
    return jax.jit(lambda x: learned(room, x, records=records, every=EVERY))(learner)


def test_a_record_is_what_a_plain_loop_gives(room, learner, history):
    key, record_key = jax.random.split(learner.key)
    same = jax.tree.map(lambda x: x[:1].repeat(len(x), 0), learner.situation)
    now = jax.tree.map(lambda x: x[:1], learner.situation)
    learner, pieces = learner._replace(key=key, situation=same), []
    play, update = jax.jit(lambda *x: played(room, *x)), jax.jit(room.update)
    for key in jax.random.split(record_key, UPDATES // EVERY):
        now, piece = play(learner, now, key)
        pieces.append(piece)
        for _ in range(EVERY):
            learner, _ = update(learner)
    for field in ("obs", "action", "reward", "trial_ended", "reset"):
        wanted = np.concatenate([getattr(x, field) for x in pieces])
        np.testing.assert_allclose(getattr(history, field), wanted, atol=1e-6)
    # The lanes were in the record's task to their end.
    goals = np.asarray(learner.situation.env_state.task["goal"])
    assert (goals == np.asarray(now.env_state.task["goal"])).all()


def test_a_learner_stays_in_one_task(room, learner, history):
    """Of the record, by the room's own rules; of the lanes, by their states."""
    assert history.reset[0].all() and not history.reset[1:].any()
    assert history.trial_ended.sum() == UPDATES // EVERY > 2  # trials of a meta-episode
    first = jax.tree.map(lambda x: x[0], learner.situation)
    state, obs = first.env_state, first.obs
    step = jax.jit(room.env.step)
    for t in range(len(history.action)):
        np.testing.assert_array_equal(history.obs[t, 0], obs)
        obs, state, reward, *_ = step(
            jax.random.key(t), state, history.action[t, 0], room.env_params
        )
        np.testing.assert_array_equal(history.reward[t, 0], reward)
    goal = np.asarray(first.env_state.task["goal"])
    np.testing.assert_array_equal(state.task["goal"], goal)
    assert (np.asarray(learner.situation.env_state.task["goal"]) != goal).any()


def test_histories_are_of_many_learners(tmp_path):
    out, count = tmp_path / "some", 5
    given = [*ROOM, "num_seeds=3", f"every={EVERY}", f"count={count}", f"out={out}"]
    assert command.main(given) == 0
    stored = Stored(out)
    assert (stored.count, stored.length) == (count, LENGTH * UPDATES // EVERY)
    rows = stored.rows(np.arange(count), LENGTH)
    assert len(np.unique(rows["action"], axis=0)) == count
    source = stored.facts["source"]
    assert source["agent"]["name"] == "ppo" and source["every"] == EVERY


@pytest.mark.slow
def test_bodies_are_distilled(tmp_path):
    """From learners with continuous actions to one that acts in their bodies."""
    out, length = tmp_path / "some", 10
    env = ("env=ladder/permutation_one", f"env.trial_steps={length}", *SMALL)
    rest = ("agent.num_envs=2", f"agent.rollout_length={length}", "num_seeds=2")
    given = [*env, "agent=ppo", *rest, f"total_steps={2 * length * 3}", "count=4"]
    with jax.numpy_rank_promotion("allow"):  # distrax's Gaussians need it
        assert command.main([*given, f"out={out}"]) == 0
    actions = np.load(out / "00000.action.npy")
    assert actions.dtype == np.float32 and actions.shape[:2] == (2, 3 * length)
    assert np.abs(actions).max() <= 1 and len(np.unique(actions)) > 21
    facts = json.loads((out / "histories.json").read_text())
    assert np.isfinite([x for x in facts["progress"] if x is not None]).all()
    folder = RunFolder(tmp_path / "run")
    config = compose(
        *env, "agent=distill", f"agent.histories={out}", f"run_dir={folder.path}",
        "agent.num_envs=2", f"agent.rollout_length={3 * length}", "total_steps=120",
    )  # fmt: skip
    assert train.start(config) == 0
    assert np.isfinite(json.loads(folder.summary.read_text())["final_return"])
