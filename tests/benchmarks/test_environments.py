"""The benchmark of environments steps what it says it steps, and reads its own table.

| mutant | fails |
|---|---|
| one step too few | sums_are_those |
| the same actions in every environment | sums_are_those |
| the best difficulty of a family in the table | worst_difficulty |
| one body stands for several, or speeds are averaged | mean_time |
"""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from benchmarks import environments
from envs import popgym

pytestmark = [pytest.mark.lenient, pytest.mark.usefixtures("quick_compilation")]


def test_its_sums_are_those_of_a_plain_loop():
    env, params = popgym.make("popgym_repeat_previous_easy", max_steps_in_episode=3)
    lanes, steps, key = 3, 7, jax.random.key(1)
    keys = jax.random.split(jax.random.key(0), lanes)
    _, state = jax.vmap(env.reset, (0, None))(keys, params)
    carry = (key, state, jnp.zeros(lanes))
    _, _, sums = jax.jit(lambda carry: environments.rollout(env, params, steps, carry))(
        carry
    )
    want = np.zeros(lanes)
    step = jax.jit(env.step)
    for _ in range(steps):
        key, act_key, step_key = jax.random.split(key, 3)
        act_keys = jax.random.split(act_key, lanes)
        step_keys = jax.random.split(step_key, lanes)
        states = []
        for lane in range(lanes):
            action = env.action_space(params).sample(act_keys[lane])
            now = jax.tree.map(lambda x, i=lane: x[i], state)
            obs, now, reward, *ends, _ = step(step_keys[lane], now, action, params)
            want[lane] += float(obs.sum() + reward) + sum(map(bool, ends))
            states.append(now)
        state = jax.tree.map(lambda *x: jnp.stack(x), *states)
    np.testing.assert_allclose(sums, want, rtol=1e-5)


def test_it_prints_a_row_for_every_environment_and_size():
    said = []
    flags = ["--env", "popgym_repeat_first_easy", "--num-envs", "1", "3"]
    environments.main(flags, said.append)
    rows = [json.loads(line) for line in said]
    assert [row["num_envs"] for row in rows] == [1, 3]
    assert all(row["steps_per_second"] > 1000 for row in rows)
    assert all("ratio" not in row and row["jax"] for row in rows)


def test_several_bodies_are_measured_in_their_mean_time(monkeypatch):
    def measured(env, params, num_envs):
        assert num_envs == 5 and params.max_steps_in_episode == 50
        return {"steps_per_second": speeds[type(env).__name__]}

    bodies = ("pendulum_swingup", "mountain_car")
    meta, params = envs.make(
        "projected_control", train_bodies=bodies, held_out_bodies=(), trial_steps=50
    )
    names = [type(body).__name__ for body in meta.env.bodies]
    speeds = dict(zip(names, (100.0, 300.0), strict=True))
    monkeypatch.setattr(environments, "measured", measured)
    assert environments.bare_speed(meta, params, 5) == pytest.approx(150.0)


def test_the_table_shows_the_worst_difficulty_of_a_family():
    rows = [
        {"env": f"popgym_x_{level}", "num_envs": 64, "ratio": ratio, "reference": 10.0,
         "steps_per_second": 10 * ratio}
        for level, ratio in (("easy", 40.0), ("medium", 21.0), ("hard", 30.0))
    ]  # fmt: skip
    text = environments.table(rows, [64])
    assert "| popgym_x | 10 | 210 (21 x) |" in text


@pytest.mark.slow
def test_a_profile_adds_up_to_what_a_step_takes():
    said = []
    flags = ["--env", "popgym_repeat_first_easy", "--num-envs", "2", "--profile"]
    environments.main(flags, said.append)
    (row,) = map(json.loads, said)
    assert row["draws_ns"] > 0
    assert row["draws_ns"] + row["step_ns"] + row["reset_ns"] > 0
