"""Histories against a plain loop: trials on the record, and practice off it.

| mutant | fails |
|---|---|
| what is practised is recorded too | test_a_lane_is_what_a_plain_loop_gives |
| practice goes on from the record's state, and so does the record | the same |
| the source is kept when a meta-episode ends | the same |
| epsilon of the recorded trial's number, practice not counted | the same |
| practice without `again`, so that it runs out of trials | the same |
| the record goes on where practice ended | test_an_agent_would_have_seen_the_same |
| the end of a trial raises `reset` | test_an_agent_would_have_seen_the_same |
| one predicate for each seed | test_seeds_have_their_own |
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from agents.acting.axes import Axes
from agents.distill.record import Recorder, falling
from agents.distill.sources import Experience, QLearning
from envs.contract.tabular import table

pytestmark = pytest.mark.usefixtures("quick_compilation")

TRIALS, EVERY, LENGTH, LANES = 3, 3, 30, 4
SIZES = dict(size=2, trial_steps=5, num_trials=TRIALS)


@pytest.fixture(scope="module")
def recorder():
    """Two meta-episodes and more of a room of four cells; trials end early or late."""
    env, params = envs.make("dark_key_to_door", **SIZES)
    rows = table(env)
    source = QLearning(rows.size, env.num_actions, 0.9, 0.6)
    epsilon = falling(TRIALS, EVERY, 0.8)
    return Recorder(env, params, source, rows, epsilon, EVERY)


@pytest.fixture(scope="module")
def history(recorder):
    record = functools.partial(recorder.record, length=LENGTH, num_lanes=LANES)
    return jax.device_get(jax.jit(record)(jax.random.key(4)))


def plain(recorder, key, lane):
    """What one lane records, told as a story; draws are those of `record`."""
    env, params, source = recorder.env, recorder.env_params, recorder.source
    begin_key, play_key = jax.random.split(key)
    obs, state = env.reset(jax.random.split(begin_key, LANES)[lane], params)
    step, act, learn = jax.jit(env.step), jax.jit(source.act), jax.jit(source.learn)
    row_of = jax.jit(recorder.table.row)
    memory, seen, number, opens = source.begin(), [], 0, True

    def move(state, trial):
        nonlocal memory, number
        keys = jax.random.split(jax.random.fold_in(play_key, number), LANES)
        number += 1
        action_key, env_key = jax.random.split(keys[lane])
        last = max((TRIALS - 1) * EVERY * 0.8, 1)
        epsilon = jnp.float32(max(1 - trial / last, 0))
        row = row_of(state, params)
        action, law = act(memory, row, epsilon, action_key)
        obs, state, reward, *over, info = step(env_key, state, action, params)
        ends = info["trial_ended"], info["trial_terminated"]
        after = row, action, reward, row_of(state, params), *ends
        memory = learn(memory, Experience(*after))
        done = action, law, reward
        return obs, state, done, bool(over[0] | over[1]), bool(ends[0])

    while True:
        memory, trial = source.begin(), 0
        for recorded in range(TRIALS):
            ended = False
            while not ended:
                shown, first = obs, opens
                obs, state, done, opens, ended = move(state, trial)
                action, law, reward = done
                seen.append((shown, first, action, reward, ended, law))
                if len(seen) == LENGTH:
                    return [np.stack(x) for x in zip(*seen, strict=True)]
            assert opens == (recorded == TRIALS - 1)
            other, trial = state, trial + 1
            for _ in range(0 if opens else EVERY - 1):
                ended = False
                while not ended:
                    fresh = other.replace(trial=state.trial * 0, time=state.time * 0)
                    _, other, _, over, ended = move(fresh, trial)
                    assert not over
                trial += 1


@pytest.mark.parametrize("lane", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_lane_is_what_a_plain_loop_gives(recorder, history, lane):
    wanted = plain(recorder, jax.random.key(4), lane)
    for found, want in zip(history, wanted, strict=True):
        np.testing.assert_array_equal(found[:, lane], want)
    assert history.reset[1:, lane].any()


@pytest.mark.slow  # of the loop above, the environment's side
def test_an_agent_would_have_seen_the_same(recorder, history):
    """Nothing is drawn in this room but its tasks, so its actions tell all."""
    env, params = recorder.env, recorder.env_params
    keys = jax.random.split(jax.random.split(jax.random.key(4))[0], LANES)
    obs, state = jax.vmap(env.reset, (0, None))(keys, params)
    step = jax.jit(jax.vmap(env.step, (0, 0, 0, None)))
    within, over = np.ones(LANES, bool), np.zeros(LANES, bool)
    for t in range(LENGTH):
        np.testing.assert_array_equal(history.obs[t][within], obs[within])
        np.testing.assert_array_equal(history.reset[t], over if t else within)
        obs, state, reward, ended, cut, info = step(
            keys, state, history.action[t], params
        )
        np.testing.assert_array_equal(history.reward[t][within], reward[within])
        trial_ended = np.asarray(info["trial_ended"])[within]
        np.testing.assert_array_equal(history.trial_ended[t][within], trial_ended)
        over = np.where(within, ended | cut, history.reset[min(t + 1, LENGTH - 1)])
        within = within & ~over  # the next task is nobody's to know
    assert history.trial_ended.sum() > LANES * TRIALS and not within.all()


@pytest.mark.slow  # `tests/agents/test_seeds.py` has it in small
def test_seeds_have_their_own(recorder):
    """Under `vmap`, each as alone; and the loop's condition is one for all."""
    keys = jax.random.split(jax.random.key(5), 2)
    size = dict(length=12, num_lanes=2)
    named = functools.partial(recorder.record, **size, axes=Axes(seeds="seed"))
    together = jax.vmap(named, axis_name="seed")
    loops = [
        equation.params["cond_jaxpr"].out_avals[0].shape
        for equation in jax.make_jaxpr(together)(keys).eqns
        if equation.primitive.name == "while"
    ]
    assert loops == [()]
    found = jax.jit(together)(keys)
    alone = jax.jit(functools.partial(recorder.record, **size))
    for seed in range(2):
        jax.tree.map(
            lambda x, y, seed=seed: np.testing.assert_array_equal(x[seed], y),
            *(found, alone(keys[seed])),
        )
    assert (found.action[0] != found.action[1]).any()


def test_exploration_ends_with_the_recorded_trials():
    numbers = jnp.arange(40, dtype=jnp.int32)
    found = np.asarray(falling(4, 10, 1.0)(numbers))
    np.testing.assert_allclose(found, np.maximum(1 - np.arange(40) / 30, 0), rtol=1e-6)
    half = np.asarray(falling(4, 10, 0.5)(numbers))
    assert half[0] == 1 and half[14] > 0 and not half[15:].any()
    assert falling(2, 1, 0.0)(jnp.int32(0)) == 1  # of a record's first trial, always
