"""What films and sheets draw of an episode.

Mutants, and the test that fails for each:

    a trial's end is drawn as the next's start     a_trials_last_picture
    a decision is drawn where the last trial ended a_trials_last_picture
    the last pull is left out of a picture         a_bandits_pictures
    a pull's picture on a sheet is of before it    a_bandits_pictures
    the timeline shows what is still to come       over_time
    a grid is transposed                           a_grid_is_drawn
    the mountain car never moves                   a_drawing_follows
"""

import itertools

import jax
import numpy as np
import pytest

import envs
from envs import registry
from envs.drawing import gymnax as gymnax_render
from envs.show import film, parts, playback

pytestmark = pytest.mark.usefixtures("quick_compilation")


def recorded(env, params):
    """An episode of random actions, whole."""
    recording = playback.Recording(100)
    for moment in playback.play(env, params, seed=3, max_steps=100):
        recording.add(moment)
    return recording


def test_a_trials_last_picture_is_where_it_ended_and_not_the_next_beginning():
    """Each picture is of the state after its step, a decision's of that before it."""
    env, params = envs.make("dark_room", num_trials=3, trial_steps=4, size=3)
    recording = recorded(env, params)
    draw, decided = film.renderer(env, params, recording), 0
    for before, moment in itertools.pairwise(recording.moments):
        assert int(moment.led_to.inner.time) == before.time % 4 + 1
        assert int(before.state.inner.time) == before.time % 4
        at = np.asarray(env.render(moment.led_to, params))
        np.testing.assert_array_equal(draw(moment), at)
        moves = moment.led_to.inner.position - before.state.inner.position
        assert np.abs(moves).sum() <= 1
        decided += moment.trial_ended and bool((moves != 0).any())
    assert moment.ended and decided
    sheet = parts._renderer(env, params, [recording])
    for moment, after in itertools.pairwise(recording.moments[4:]):
        shown = sheet(moment, after)
        np.testing.assert_array_equal(shown, env.render(moment.state, params))


def test_a_bandits_pictures_tell_what_was_pulled_up_to_them():
    """On a sheet too, where each is of one pull and as it was afterwards."""
    env, params = envs.make("meta_bandit", num_trials=5)
    recording = recorded(env, params)
    draw, past = film.renderer(env, params, recording), []
    sheet = parts._renderer(env, params, [recording])
    for before, moment in itertools.pairwise(recording.moments):
        past.append((moment.action, moment.reward))
        want = np.asarray(env.render(moment.led_to, params, past))
        np.testing.assert_array_equal(draw(moment), want)
        np.testing.assert_array_equal(sheet(before, moment), want)
        assert (want != draw(before)).any()
    assert len(past) == 5


# Episodes that begin alike, or too often; and what to tell them apart by.
ALIKE = {
    "FourRooms-misc": ("pos", (1, 1)),
    "FrozenLake-misc": ("position", 0),
    "MemoryChain-bsuite": ("time", 0),
}


@pytest.mark.thinned(6)
@pytest.mark.parametrize("name", gymnax_render._DRAWINGS)
@pytest.mark.lenient
def test_a_drawing_follows_the_state(name):
    env, params = registry.build(f"gymnax/{name}")
    pictures = []
    for seed in range(4):
        _, state = env.reset_env(jax.random.key(seed), params)
        if name in ALIKE:
            field, value = ALIKE[name]
            state = state.replace(**{field: np.array(value) + seed})
        pictures.append(gymnax_render.render(name, env, state, params))
    assert pictures[0].dtype == np.uint8 and pictures[0].shape == (320, 320, 3)
    assert any((picture != pictures[0]).any() for picture in pictures[1:])


def test_what_has_no_drawing_is_shown_over_time_up_to_now():
    """Right of the cursor everything is still blank."""
    env, params = registry.build("gymnax/SimpleBandit-bsuite")
    recording = playback.Recording(10)
    for time in range(9):
        given = (np.int32(time % 3), 1.0) if time else (None, None)
        recording.add(playback.Moment(time, np.array([[time / 8]]), None, *given))
    draw = film.renderer(env, params, recording)
    first, *rest = [draw(moment)[:140] for moment in recording.frames()]
    changed = [np.nonzero((p != first).any((0, 2)))[0].max() for p in rest]
    assert (np.diff(changed) > 10).all() and changed[0] < 160 < changed[-1]


def test_a_grid_is_drawn_as_it_is_observed():
    obs = np.zeros((4, 6), np.float32)
    obs[1, 5] = 1
    np.testing.assert_array_equal(film._grid(obs)[..., 0], obs * 255)
