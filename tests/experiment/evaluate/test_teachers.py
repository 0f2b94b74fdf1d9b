"""Trained agents of bare bodies as the expert of an environment on several bodies.

| mutant | fails |
|---|---|
| policies in the order of the runs | test_each_body_is_asked_of_its_own_run |
| without the lens | test_each_body_is_asked_of_its_own_run |
| a run with memory is taken | test_what_cannot_teach_is_refused |
| a body without a run is taken | test_what_cannot_teach_is_refused |
| evaluation needs the runs | test_what_has_learned_can_act_without_them |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.contract import expert
from envs.meta.lens import through_lens
from experiment.errors import InputError
from experiment.evaluate import teachers
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent

BODIES = "env.train_bodies=[mountain_car,point_mass_easy]"
TINY = ("agent=imitate", "env=projected_control", BODIES,
        "env.held_out_bodies=[pendulum_swingup]")  # fmt: skip


@pytest.fixture
def runs(write_run, tmp_path, monkeypatch):
    """A run of each body, the second first; they do what their name says."""
    says = {"point_mass_easy": [0.3, -0.2], "mountain_car": [0.5]}
    paths = [
        write_run(tmp_path / name, f"env=control/{name}", "core=mlp")
        for name in ("point_mass_easy", "mountain_car")
    ]
    monkeypatch.setattr(
        teachers,
        "policy",
        lambda folder, seed: lambda obs: jnp.array(says[folder.path.name]),
    )
    return ",".join(map(str, paths))


@pytest.fixture(scope="module")
def make_config():
    """Of a run, and no tiny one: that is of another environment."""

    def make(*overrides):
        cli.register()
        return run_config.load(cli.composed("train", overrides))

    return make


def config_of(make_config, experts):
    return make_config(*TINY, f"agent.experts={experts}")


def test_each_body_is_asked_of_its_own_run(runs, make_config):
    config = config_of(make_config, runs)
    agent = build_agent(config, teacher=teachers.teacher(config))
    keys = jax.random.split(jax.random.key(0), 16)
    reset = jax.jit(jax.vmap(agent.env.reset, (0, None)))
    _, state = reset(keys, agent.env_params)
    found = jax.jit(agent.answers.ask)(state, agent.env_params)
    assert found.known.all() and np.abs(found.action).max() <= 1
    body = np.asarray(state.task[0]["body"])
    assert set(body) == {0, 1}
    # A mountain car takes one action, and the point mass two.
    wanted = [(jnp.array([0.5, 0.0]), 1), (jnp.array([0.3, -0.2]), 2)]
    for lane in range(16):
        task = jax.tree.map(lambda x, lane=lane: x[lane], state.task)
        action, count = wanted[body[lane]]
        own = through_lens(action, task, jnp.int32(count))
        np.testing.assert_allclose(found.action[lane], own, atol=1e-5)


def test_what_cannot_teach_is_refused(runs, make_config, write_run, tmp_path):
    first, second = runs.split(",")
    other = write_run(tmp_path / "other", "env=control/reacher_easy", "core=mlp")
    memory = write_run(tmp_path / "memory", "env=control/mountain_car", "core=gru")
    for experts, words in (
        (first, "has no run on control/mountain_car"),
        (f"{first},{other}", "none of control/mountain_car, control/point_mass_easy"),
        (f"{first},{memory}", "have core=mlp; .*memory has core=gru"),
        (f"{second},{tmp_path / 'nowhere'}", "must be a run folder"),
    ):
        with pytest.raises(InputError, match=words):
            teachers.teacher(config_of(make_config, experts))
    bandit = make_config("agent=imitate", f"agent.experts={runs}")
    with pytest.raises(InputError, match="are of bodies, and memory_chain has none"):
        teachers.teacher(bandit)


def test_what_has_learned_can_act_without_them(make_config):
    config = config_of(make_config, "gone,gone_too")
    agent = build_agent(config)
    learner = jax.eval_shape(agent.initialise, jax.random.key(0))
    with pytest.raises(ValueError, match="update needs an expert"):
        jax.eval_shape(agent.update, learner)
    assert expert.expert(agent.env) is None


def test_without_any_an_environment_without_an_expert_is_refused(make_config):
    config = make_config(*TINY)
    assert teachers.teacher(config) is None
    why = envs.spec("projected_control").expert.note
    with pytest.raises(InputError) as refused:
        build_agent(config)
    assert "projected_control has none" in str(refused.value)
    assert why in str(refused.value)
