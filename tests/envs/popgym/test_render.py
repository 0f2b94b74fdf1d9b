"""Pictures: they exist at every moment of a game, and change with what happens."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.envs.popgym import harness


@pytest.mark.parametrize("name", harness.families())
def test_a_picture_follows_the_game(name):
    env, params = harness.make(name)
    key = jax.random.key(0)
    _, state = env.reset(key, params)
    first = env.render(state, params)
    assert first.dtype == np.uint8 and first.shape == (320, 320, 3)
    action = jnp.ones((), jnp.int32) if env.action_axes else jnp.ones((1,))
    for t in range(2):
        _, state, *_ = env.step_env(jax.random.key(t), state, action, params)
    assert (env.render(state, params) != first).any()


def test_autoencode_can_be_drawn_to_its_end():
    env, params = harness.make("popgym_autoencode_easy")
    _, state = env.reset(jax.random.key(0), params)
    for time in (0, 50, 51, 52, 102, 103):
        time = jnp.asarray(time, jnp.int32)
        assert env.render(state.replace(time=time), params).any()
