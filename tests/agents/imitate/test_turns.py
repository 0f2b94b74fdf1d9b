"""Who plays: a trial or its rest, at most one a meta-episode, by the chances asked for.

Mutants, and the test that fails for each:

    the expert may play twice                  whole_trials
    it stops inside a trial                    whole_trials, expert_plays_its_answers
    it begins inside a trial                   whole_trials
    a new meta-episode is not noticed          comes_again
    a rollout begins with nobody playing       whole_trials
    its chance is per step                     by_the_chance
    it joins where a trial opens               joins_inside
    having joined, it leaves before the end    joins_inside
    it joins once more                         joins_inside
    what is asked for does not come to it      learner_is_told
    its action is drawn, and not played        expert_plays_its_answers
    what memory sees is the learner's action   memory_sees_what_was_played
    episodes that it played count              episodes_are_the_learners
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import agents
import envs
import s5rl
from agents.acting.policy import TOLD
from agents.acting.rollout import collect_guided
from agents.imitate import turns
from agents.imitate.teacher import Teacher, lesson_metrics

pytestmark = pytest.mark.lenient

TRIALS, STEPS, LANES, LENGTH = 3, 4, 32, 5  # rollouts end inside of trials


@pytest.fixture(scope="module")
def played():
    """A few rollouts of a dark room, one after another: `(rollout, note)`, joined."""
    env, env_params = envs.make(
        "dark_room", num_trials=TRIALS, trial_steps=STEPS, size=3
    )
    config = agents.CONFIGS["imitate"](
        num_envs=LANES, rollout_length=LENGTH, expert_share=0.4, num_minibatches=1
    )
    core = s5rl.make_core("gru", features=4, num_layers=1)
    agent = agents.make(
        "imitate", config, env=env, env_params=env_params, core=core, num_updates=9
    )
    learner = agent.initialise(jax.random.key(0))
    teacher = Teacher(agent.answers, env_params, config.expert_share)

    @jax.jit
    def go_on(situation, turn, key):
        return collect_guided(
            *(situation, turn, key), env=env, env_params=env_params,
            policy=agent.behaviour(learner), to_env=lambda action: action,
            length=LENGTH, guide=teacher,
        )  # fmt: skip

    situation, turn, parts = learner.situation, learner.extra, []
    for number in range(6):
        key = jax.random.key(10 + number)
        situation, turn, rollout, note = go_on(situation, turn, key)
        parts.append((rollout, note))
    joined = jax.tree.map(lambda *x: np.concatenate(x), *parts)
    return joined, env, agent


def test_the_expert_plays_whole_trials_and_at_most_one_of_a_meta_episode(played):
    (rollout, note), *_ = played
    expert = note.turn.expert
    steps = len(expert)
    assert steps == 6 * LENGTH
    whole = TRIALS * STEPS
    for start in range(0, steps - whole + 1, whole):
        assert rollout.reset[start].all()
        of_trials = expert[start : start + whole].reshape(TRIALS, STEPS, LANES)
        np.testing.assert_array_equal(of_trials.all(1), of_trials.any(1))
        taken = of_trials.all(1).sum(0)
        assert taken.max() == 1 and taken.min() == 0
        assert of_trials.all(1).any(1).all()  # the first, second and third
        shared = note.turn.shared[start : start + whole]
        np.testing.assert_array_equal(
            shared, expert[start : start + whole].cumsum(0) > 0
        )


def test_it_comes_again_in_the_next_meta_episode(played):
    (_, note), *_ = played
    whole = TRIALS * STEPS
    first, second = note.turn.expert[:whole], note.turn.expert[whole : 2 * whole]
    assert (first.any(0) & second.any(0)).any()
    assert (first.any(0) != second.any(0)).any()


def test_it_takes_trials_by_the_chance_that_is_asked_for():
    n, share = 20_000, 0.3
    turn, reset, taken = turns.first(n), jnp.ones(n, bool), []
    for number in range(3 * 2):  # three trials of two steps
        turn = turns.decided(turn, reset, jax.random.key(number), share)
        taken.append(float(turn.expert.mean()))
        turn = turns.ended(turn, {"trial_ended": jnp.full(n, number % 2 == 1)})
        reset = jnp.zeros(n, bool)
    want = [share, (1 - share) * share, (1 - share) ** 2 * share]
    np.testing.assert_allclose(taken, np.repeat(want, 2), atol=0.012)
    # Without trials, an episode is one.
    for reset, expected in ((False, share * 0.7 * 0.7), (True, share)):
        turn = turns.ended(turn, {})
        turn = turns.decided(turn, jnp.full(n, reset), jax.random.key(9), share)
        np.testing.assert_allclose(turn.expert.mean(), expected, atol=0.012)


def test_it_joins_inside_of_trials_by_the_chance_that_is_asked_for():
    n, joins, length = 20_000, 0.2, 4
    turn, reset, expert = turns.first(n), jnp.ones(n, bool), []
    for number in range(3 * length):
        turn = turns.decided(turn, reset, jax.random.key(number), 0.0, joins)
        expert.append(np.asarray(turn.expert))
        ended = number % length == length - 1
        turn = turns.ended(turn, {"trial_ended": jnp.full(n, ended)})
        reset = jnp.zeros(n, bool)
    trials = np.stack(expert).reshape(3, length, n)
    assert not trials[:, 0].any()
    assert (trials[:, 1:] >= trials[:, :-1]).all()  # to the trial's end
    assert trials.any(1).sum(0).max() == 1
    left = (1 - joins) ** np.arange(length)  # not joined before the step
    for trial, of_trial in enumerate(trials.mean(-1)):
        want = left[-1] ** trial * (1 - left)
        np.testing.assert_allclose(of_trial, want, atol=0.012)


def test_a_learner_is_told_where_its_expert_joins():
    env, env_params = envs.make("dark_room", num_trials=3, trial_steps=4, size=3)
    config = agents.CONFIGS["imitate"](
        num_envs=4, rollout_length=12, expert_joins=1.0, num_minibatches=1
    )
    core = s5rl.make_core("gru", features=4, num_layers=1)
    agent = agents.make(
        "imitate", config, env=env, env_params=env_params, core=core, num_updates=9
    )
    learner = agent.initialise(jax.random.key(0))
    assert TOLD in learner.params["params"]
    _, metrics = jax.jit(agent.update)(learner)
    assert metrics["rollout/expert_steps"] == pytest.approx(3 / 12)


@pytest.mark.parametrize("share, taken", [(0.0, False), (1.0, True)])
def test_never_and_always(share, taken):
    turn = turns.decided(turns.first(8), jnp.ones(8, bool), jax.random.key(0), share)
    assert (turn.expert == taken).all()


def test_the_expert_plays_its_answers(played):
    (rollout, note), *_ = played
    right = np.take_along_axis(note.answer.action, rollout.action[..., None], -1)[
        ..., 0
    ]
    expert = note.turn.expert
    assert right[expert].all() and not right[~expert].all()
    # And each of several as often as the others.
    two = expert & (note.answer.action.sum(-1) == 2)
    first = rollout.action == note.answer.action.argmax(-1)
    assert 0.3 < first[two].mean() < 0.7 and two.sum() > 30


def test_memory_sees_what_was_played(played):
    (rollout, _), *_ = played
    shown = rollout.obs[1:, :, 2:7]  # the room's position, and then the action
    inside = ~rollout.reset[1:]
    np.testing.assert_array_equal(shown.argmax(-1)[inside], rollout.action[:-1][inside])


def test_episodes_and_agreement_are_the_learners(played):
    (rollout, note), *_ = played
    metrics = lesson_metrics(*jax.tree.map(jnp.asarray, (rollout, note)))
    expert = note.turn.expert
    whole, returns = TRIALS * STEPS, []
    for start in range(0, len(expert) - whole + 1, whole):
        for lane in range(LANES):
            here = slice(start, start + whole), lane
            if not expert[here].any():
                returns.append(rollout.reward[here].sum())
    assert 5 < len(returns) < 2 * LANES - 5
    assert metrics["episode/count"] == len(returns)
    np.testing.assert_allclose(metrics["episode/return"], sum(returns), rtol=1e-6)
    assert metrics["episode/length"] == whole * len(returns)
    own = rollout.reward[~expert].mean()
    np.testing.assert_allclose(metrics["rollout/learner_reward"], own, rtol=1e-5)
    np.testing.assert_allclose(metrics["rollout/expert_steps"], expert.mean())
    asked = ~expert & (note.answer.action.sum(-1) < 5)
    right = np.take_along_axis(note.answer.action, rollout.action[..., None], -1)[
        ..., 0
    ]
    np.testing.assert_allclose(
        metrics["rollout/agreement"], right[asked].mean(), rtol=1e-5
    )
    assert own < rollout.reward[expert].mean()
