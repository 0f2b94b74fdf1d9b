"""The paper's continuous control: DM Control's bodies behind random projections."""

import jax
import numpy as np
import pytest

import envs

pytest.importorskip("mujoco_playground", reason="needs the extra playground")
pytestmark = [
    pytest.mark.suites,
    pytest.mark.lenient,
    pytest.mark.usefixtures("quick_compilation"),
    pytest.mark.filterwarnings("ignore"),  # MuJoCo's and its companions'
]


def test_two_bodies_share_one_network_and_stay_themselves():
    env, params = envs.make(
        "projected_dmc",
        train_bodies=("CartpoleSwingup", "PendulumSwingup"),
        held_out_bodies=("CartpoleBalance",),
        trial_steps=3,
        num_trials=2,
    )
    keys = jax.random.split(jax.random.key(0), 6)
    obs, state = jax.jit(jax.vmap(env.reset, (0, None)))(keys, params)
    assert obs.shape == (6, 12 + 2 + 3) and np.isfinite(obs).all()
    bodies = np.asarray(state.task[0]["body"])
    assert set(bodies) == {0, 1}
    step = jax.jit(jax.vmap(env.step, (0, 0, None, None)))
    ended, terminated = [], []
    for t in range(6):
        action = jax.random.uniform(jax.random.key(t), (2,), minval=-1, maxval=1)
        obs, state, reward, over, cut, info = step(keys, state, action, params)
        assert np.isfinite(obs).all() and not cut.any()
        assert ((reward >= 0) & (reward <= 1)).all()
        ended.append(info["trial_ended"].all())
        terminated.append(over.all())
    assert ended == [False, False, True] * 2 and terminated == [False] * 5 + [True]


def test_the_papers_split_is_the_default():
    env, _ = envs.make("projected_dmc", split="bodies")
    held_out = {body.name for body in env.env.bodies}
    trained = {body.name for body in envs.make("projected_dmc")[0].env.bodies}
    assert len(held_out) == 4 and len(trained) == 6 and not held_out & trained
