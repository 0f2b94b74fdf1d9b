"""A table's rows, and going on in a task without end.

| mutant | fails |
|---|---|
| Key-to-Door's row without the key | test_a_row_is_all_that_matters |
| a room's row as if it were a column's | test_a_row_is_all_that_matters |
| the wrapper's row is always the first | test_a_meta_environment_passes_rows_on |
| `again` leaves the trials counted | test_again_there_is_no_end |
| `again` leaves the clock | test_again_there_is_no_end |
| `trial_terminated` is `trial_ended` | test_again_there_is_no_end |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.contract.tabular import table
from tests.envs.meta import play

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.thinned(3)
@pytest.mark.parametrize("name", play.CASES)
def test_a_row_is_all_that_matters(name):
    """In states of one row, the same action with the same key leads to the same."""
    env_class, tasks_class = play.CASES[name]
    env = env_class(3) if "dark" in name else env_class()
    tasks = tasks_class(3) if "dark" in name else tasks_class()
    task = jax.tree.map(lambda x: x[0], play.draw(tasks, "train", 1))
    params = env.default_params.replace(**task, max_steps_in_episode=10**6)
    rows, n = table(env), 200
    states = walk(env, params, n)
    row = np.asarray(jax.vmap(rows.row, (0, None))(states, params))
    assert row.min() >= 0 and row.max() < rows.size
    # Enough of them, and most of them more than once.
    assert len(set(row)) > rows.size / 3 and len(set(row)) < n / 2
    key = jax.random.key(1)
    for action in range(env.num_actions):
        after = jax.vmap(env.step_env, (None, 0, None, None))(
            *(key, states, jnp.int32(action), params)
        )
        obs, later, reward, terminated, _ = jax.tree.map(np.asarray, after)
        later = jax.vmap(rows.row, (0, None))(after[1], params)
        led_to = np.column_stack([obs, later, reward, terminated])
        for one in set(row):
            same = led_to[row == one]
            np.testing.assert_allclose(same, np.broadcast_to(same[0], same.shape))


def walk(env, params, steps):
    """States of random play, [steps, ...], before any end."""

    def step(carried, key):
        state, over = carried
        reset_key, act_key, step_key = jax.random.split(key, 3)
        fresh = env.reset_env(reset_key, params)[1]
        state = jax.tree.map(lambda x, y: jnp.where(over, x, y), fresh, state)
        action = jax.random.randint(act_key, (), 0, env.num_actions)
        _, later, _, terminated, _ = env.step_env(step_key, state, action, params)
        return (later, terminated), state

    keys = jax.random.split(jax.random.key(0), steps)
    first = env.reset_env(keys[0], params)[1]
    return jax.jit(lambda: jax.lax.scan(step, (first, False), keys)[1])()


def test_a_meta_environment_passes_rows_on():
    env, params = envs.make("dark_key_to_door", size=3)
    keys = jax.random.split(jax.random.key(0), 5)
    _, state = jax.vmap(env.reset, (0, None))(keys, params)
    own = jax.vmap(env.env.table_row, (0, None))(state.inner, params.inner)
    found = jax.vmap(table(env).row, (0, None))(state, params)
    np.testing.assert_array_equal(found, own)
    assert table(env).size == 18 and (found == 4).all()  # all begin in the center
    pole, _ = envs.make("meta_cartpole")
    assert table(pole) is None


def test_again_there_is_no_end():
    """Asked before every step, it plays the same task on and on; trials end as ever."""
    env, params = envs.make(
        *("dark_key_to_door",), size=2, trial_steps=6, num_trials=2, step_budget=9
    )
    _, state = env.reset(jax.random.key(3), params)
    step = jax.jit(env.step)
    task, ended, by_itself = state.task, 0, 0
    for t in range(80):
        before = env.again(state)
        jax.tree.map(np.testing.assert_array_equal, before.inner, state.inner)
        _, state, reward, *over, info = step(
            jax.random.key(t), before, jnp.int32(t * 7 % 5), params
        )
        assert not over[0] and not over[1]
        opened = bool(before.inner.has_key) and float(reward) == 1
        assert bool(info["trial_terminated"]) == opened
        ended += int(info["trial_ended"])
        by_itself += opened
        jax.tree.map(np.testing.assert_array_equal, state.task, task)
    assert ended > by_itself > 0
