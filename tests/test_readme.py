"""What the README shows works, word for word."""

import re
import sys
from pathlib import Path

import jax
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_core_example_runs_and_says_its_shapes():
    (code,) = (code for code in PYTHON if "make_core" in code)
    names = {}
    exec(code, names)
    assert names["y"].shape == (1, 8, 128)  # the last line acts
    whole = names["core"].apply(
        names["variables"],
        names["core"].initial_carry(8),
        names["x"],
        names["reset"],
    )[1]
    assert whole.shape == (256, 8, 128)
    # Equal inputs, but lane 3 starts anew at t = 100: there it repeats its beginning.
    assert abs(whole[100, 3] - whole[0, 3]).max() < 1e-4
    assert abs(whole[100, 2] - whole[0, 2]).max() > 1e-2


def test_commands_name_real_environments_and_cores():
    import envs
    import s5rl

    for name in re.findall(r"env=([\w/-]+)", README):
        assert name in envs.names(), name
    for names in re.findall(r"core=([\w,]+)", README):
        assert set(names.split(",")) <= set(s5rl.core_names()), names


@pytest.fixture
def corridor(tmp_path, monkeypatch):
    """The environment that README shows, as a module of the working directory."""
    (code,) = (code for code in PYTHON if "step_env" in code)
    assert len(code.strip().splitlines()) <= 40
    (tmp_path / "corridor.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("corridor", None)


@pytest.mark.slow
def test_the_environment_of_ones_own_is_trained(corridor):
    from experiment.setup import config as run_config
    from experiment.setup.building import build_agent

    assert "env=custom env.entry_point=corridor:Corridor env.length=9" in README
    env = {"name": "custom", "entry_point": "corridor:Corridor", "length": 9}
    config = run_config.load(
        {
            "env": env,
            "core": {"name": "gru", "features": 8},
            "agent": {
                "name": "ppo",
                "num_envs": 8,
                "rollout_length": 64,
                "num_minibatches": 2,
                "epochs": 1,
            },
        }
    )
    agent = build_agent(config)
    assert agent.env_params.length == 9
    learner = agent.initialise(jax.random.key(0))
    update = jax.jit(jax.vmap(agent.update, axis_name="seed"))
    learner = jax.tree.map(lambda x: x[None], learner)
    for _ in range(2):
        learner, metrics = update(learner)
    # Episodes end by themselves or by the clock, and pay at most 1.
    assert metrics["episode/count"][0] >= 8
    assert abs(metrics["episode/return"][0]) <= metrics["episode/count"][0]
    assert all(jax.numpy.isfinite(x).all() for x in metrics.values())
