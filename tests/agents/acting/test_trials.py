"""Trials with memory tampered with, beside what can be told without playing.

In a bandit whose arms pay always or never, an agent tries arms in turn and stays with
the first that pays. Its memory is the arm to pull, so what each control does to it is
known exactly.

| mutant | fails |
|---|---|
| cleared at meta-episodes instead of trials | cleared |
| swapped with its own memory | swapped |
| swapped one trial late | swapped |
| memory of the other task is cleared at the start | never_reset |
| a lane goes on counting after its last trial | as_it_is |
| controls play other tasks | same_tasks |
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agents.acting.controls import CONTROLS
from agents.acting.trials import number, play_controls, play_trials, tasks_of
from envs.meta.bandit import Bandit
from envs.meta.variations import Fields
from envs.meta.wrapper import Meta

ARMS, TRIALS, TASKS = 4, 9, 12


class Chosen:
    """A distribution [1, N] that always draws the same."""

    def __init__(self, action):
        self.action = action

    def sample(self, key):
        return self.action

    mode = lambda self: self.action  # noqa: E731


def stay_or_go_on(carry, obs, reset):
    """Pulls the arm in memory; goes on to the next where it did not pay.

    The observation is [nothing, previous action (ARMS), reward, trial ended, start].
    """
    carry = jnp.where(reset[0], 0, carry)
    paid, start = obs[0, :, 1 + ARMS], obs[0, :, 3 + ARMS]
    begun = (start == 0) & (obs[0, :, 1 : 1 + ARMS].sum(-1) > 0)
    pulled = obs[0, :, 1 : 1 + ARMS].argmax(-1)
    # Only what it pulled itself says that the arm in memory is wrong.
    wrong = begun & (paid == 0) & (pulled == carry)
    carry = jnp.where(wrong, (carry + 1) % ARMS, carry).astype(jnp.int32)
    return carry, Chosen(carry[None]), jnp.zeros(reset.shape)


@pytest.fixture(scope="module")
def game():
    env = Bandit(ARMS)

    def one_that_pays(key, split):
        arm = jax.random.randint(key, (), 0, ARMS)
        return {"probs": jnp.eye(ARMS)[arm]}

    meta = Meta(env, Fields(one_that_pays), num_trials=TRIALS)
    return meta, meta.default_params


def play(game, control, *, swap_at=5, key=0, trials=TRIALS):
    env, params = game
    empty = jnp.zeros(TASKS, jnp.int32)
    played = jax.jit(
        lambda key, control, foreign: play_trials(
            *(stay_or_go_on, empty, key, control, foreign),
            num_tasks=TASKS,
            num_trials=trials,
            swap_at=swap_at,
            env=env,
            env_params=params,
            to_env=lambda action: action,
            greedy=False,
        )
    )
    return play_controls(played, jax.random.key(key), empty)[control]


def arms(game, key=0):
    env, params = game
    task = tasks_of(jax.random.key(key), num_tasks=TASKS, env=env, env_params=params)
    return np.asarray(task["probs"]).argmax(-1)


def pays_from(arm, first=0):
    """[TRIALS]: what an agent earns that starts with `first` in memory."""
    return (np.arange(TRIALS) >= (arm - first) % ARMS).astype(float)


def test_memory_as_it_is_finds_the_arm_and_stays(game):
    result = play(game, "none")
    want = np.stack([pays_from(arm) for arm in arms(game)])
    assert 0 < want.mean() < 1
    np.testing.assert_array_equal(result.trial_return, want)
    np.testing.assert_array_equal(result.length, np.ones((TASKS, TRIALS)))


def test_memory_cleared_at_every_trial_tries_the_first_arm_for_ever(game):
    """The trial before is seen, and that is enough to rule one arm out."""
    result = play(game, "cleared")
    first = (arms(game) == 0)[:, None] * np.ones(TRIALS)
    second = (arms(game) == 1)[:, None] * (np.arange(TRIALS) % 2)
    np.testing.assert_array_equal(result.trial_return, first + second)


def test_memory_swapped_at_one_trial_is_that_of_the_next_task(game):
    at = 5
    result = play(game, "swapped", swap_at=at)
    own = arms(game)
    other = np.roll(own, -1)  # by then every task's arm is in memory
    assert (own != other).any()
    for lane in range(TASKS):
        got = np.asarray(result.trial_return[lane])
        np.testing.assert_array_equal(got[:at], pays_from(own[lane])[:at])
        # It goes on from the other's arm, once it has seen that one fail.
        want = pays_from(own[lane], first=other[lane])[: TRIALS - at]
        np.testing.assert_array_equal(got[at:], want)


def test_memory_never_reset_begins_with_another_tasks_arm(game):
    result = play(game, "never_reset")
    env, params = game
    other = jax.random.split(jax.random.fold_in(jax.random.key(0), 1))[0]
    before = jax.vmap(env.reset, (0, None))(jax.random.split(other, TASKS), params)[1]
    first = np.asarray(before.task["probs"]).argmax(-1)
    want = [pays_from(a, f) for a, f in zip(arms(game), first, strict=True)]
    assert (first != 0).any()
    np.testing.assert_array_equal(result.trial_return, want)


@pytest.mark.slow
def test_random_play_earns_what_random_play_earns(game):
    found = np.mean([play(game, "random", key=k).trial_return for k in range(5)])
    error = np.sqrt(0.25 * 0.75 / (5 * TASKS * TRIALS))
    assert abs(found - 1 / ARMS) < 4 * error


def test_every_control_plays_the_same_tasks(game):
    for control in CONTROLS[:2]:
        one, two = (play(game, control).trial_return for _ in range(2))
        np.testing.assert_array_equal(one, two)
    assert (arms(game, 0) != arms(game, 1)).any()


def test_an_unknown_control_is_refused():
    with pytest.raises(ValueError, match=r"none, cleared, .*; got 'forgotten'"):
        number("forgotten")
