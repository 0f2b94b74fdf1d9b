"""Pictures: they exist at every moment of a game, and change with what happens.

Mutants, and the test that fails for each (`pytest -m conformance`):

    cards are given back in every deck game          cards_stay_on_the_table
    the answer is the card in view                   the_answer_is_what_pays
    the answer is said of the action before          the_answer_that_is_written
    a bandit is not told its past                    a_picture_follows_the_game
    it is written in the grey of what is not seen    the_answer_that_is_written
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.axes import Axes

from envs.drawing.picture import drawn
from envs.popgym import render
from tests.envs.popgym import harness


@pytest.mark.parametrize("name", harness.families())
def test_a_picture_follows_the_game(name):
    env, params = harness.make(name)
    key = jax.random.key(0)
    _, state = env.reset(key, params)
    first, past = env.render(state, params), []
    assert first.dtype == np.uint8 and first.shape == (320, 320, 3)
    action = jnp.ones((), jnp.int32) if env.action_axes else jnp.ones((1,))
    for t in range(2):
        _, state, reward, *_ = env.step_env(jax.random.key(t), state, action, params)
        past.append((action, float(reward)))
    assert (drawn(env.render, state, params, past) != first).any()


def test_autoencode_can_be_drawn_to_its_end():
    env, params = harness.make("popgym_autoencode_easy")
    _, state = env.reset(jax.random.key(0), params)
    for time in (0, 50, 51, 52, 102, 103):
        time = jnp.asarray(time, jnp.int32)
        assert env.render(state.replace(time=time), params).any()


def dealt(env, params, time):
    """The state of a shuffled deck when `time` steps have been made."""
    _, state = env.reset(jax.random.key(0), params)
    return state.replace(time=jnp.asarray(time, jnp.int32))


@pytest.mark.parametrize("family", ["higher_lower", "repeat_first", "repeat_previous"])
def test_dealt_cards_stay_on_the_table(family):
    """Once there are sixteen, the row of the newest cards is full to its right end."""
    env, params = harness.make(f"popgym_{family}_easy")
    for time in (16, 30, 45, 51):
        row = env.render(dealt(env, params, time), params)[230:290]
        ink = np.nonzero((row < 250).any((0, 2)))[0]
        assert ink.min() < 40 and ink.max() > 280, time


@pytest.mark.parametrize("family", ["repeat_first", "repeat_previous", "autoencode"])
def test_the_answer_is_what_pays(family):
    env, params = harness.make(f"popgym_{family}_easy")
    for time in range(0, env.episode_length, 7):
        state = dealt(env, params, time)
        rewards = [
            float(env.transition(state, jnp.asarray(a), None, params)[2])
            for a in range(4)
        ]
        card = render._answer(env, time, env.num_cards)
        assert (card is None) == (max(rewards) == 0)
        if card is not None:
            assert int(np.argmax(rewards)) == int(state.labels[card])


@pytest.mark.parametrize("family", ["repeat_first", "repeat_previous", "autoencode"])
def test_the_answer_that_is_written_is_the_next_ones(family, monkeypatch):
    """It is the action to come that it pays, and it can be read."""
    env, params = harness.make(f"popgym_{family}_easy")
    written, text = [], Axes.text

    def spy(self, *args, **given):
        written.append((args[2], given.get("color")))
        return text(self, *args, **given)

    monkeypatch.setattr(Axes, "text", spy)
    told = 0
    for time in range(0, env.episode_length + 1, 3):
        state = dealt(env, params, time)
        written.clear()
        env.render(state, params)
        answers = [found for found in written if "answer" in found[0]]
        rewards = [
            float(env.transition(state, jnp.asarray(a), None, params)[2])
            for a in range(4)
        ]
        if time == env.episode_length or max(rewards) <= 0:
            assert not answers
            continue
        told += 1
        suit = render.SUITS[int(np.argmax(rewards))]
        assert answers == [(f"next answer: {suit}", render.INK)]
    assert told > 5
