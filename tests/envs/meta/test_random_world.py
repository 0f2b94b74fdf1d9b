"""Random worlds: maps that are walked as they say, and the room that is one of them.

| mutant | fails |
|---|---|
| the room's map is column by column | the_room_is_dark_room |
| pays where a step began | the_room_is_dark_room |
| distances from the goal, not to it | distances |
| a goal anywhere | can_be_reached |
| the goal is never the start | can_be_reached |
| no action stays | an_action_stays |
| actions lead anywhere | near |
| ways keep their order | whatever_they_do |
| chance is over the next states, not the actions | chance |
"""

from collections import deque

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.meta import experts, random_world
from envs.meta.config import RandomWorldConfig
from envs.meta.dark_room import DarkRoom
from tests.envs.meta import play

pytestmark = pytest.mark.usefixtures("quick_compilation")

SIZE, STEPS = 5, 10
TASKS = play.RandomWorldTasks(SIZE, STEPS)
SPLITS = ("train", "held_out", "shifted")


def drawn(split, count=200):
    return jax.tree.map(np.asarray, play.draw(TASKS, split, count))


def walked(next_state, start):
    """Breadth first, one state after another: steps to each that can be reached."""
    steps, waiting = {int(start): 0}, deque([int(start)])
    while waiting:
        state = waiting.popleft()
        for there in next_state[state].tolist():
            if there not in steps:
                steps[there] = steps[state] + 1
                waiting.append(there)
    return steps


def test_the_room_is_dark_room():
    """Step for step, whatever is done."""
    number = random_world.numbers(SIZE)
    assert sorted(number) == list(range(SIZE**2)) and number[SIZE**2 // 2] == 0
    world, room = play.RandomWorld(SIZE), DarkRoom(SIZE)
    actions = np.random.default_rng(0).integers(5, size=(40, STEPS))
    tasks = drawn("shifted", 40)
    for walk, *task in zip(actions, *tasks.values(), strict=True):
        task = dict(zip(tasks, task, strict=True))
        params = world.default_params.replace(**task)
        (cell,) = np.flatnonzero(number == task["goal"])
        goal = jnp.asarray(np.divmod(cell, SIZE), jnp.int32)
        cells = room.default_params.replace(goal=goal)
        _, here = world.reset_env(jax.random.key(0), params)
        _, there = room.reset_env(jax.random.key(0), cells)
        for action in walk:
            np.testing.assert_array_equal(
                world.best_actions(here, params), room.best_actions(there, cells)
            )
            obs, here, paid, *_ = world.step_env(
                jax.random.key(0), here, action, params
            )
            _, there, pays, *_ = room.step_env(jax.random.key(0), there, action, cells)
            assert obs.argmax() == number[room.table_row(there, cells)]
            assert obs.sum() == 1
            assert paid == pays
    assert len(set(tasks["goal"].tolist())) > 15


@pytest.mark.parametrize("split", SPLITS)
def test_distances_are_those_of_a_walk_and_goals_can_be_reached(split):
    task, own = drawn(split), 0
    columns = (task[name] for name in ("next_state", "goal", "distance"))
    for next_state, goal, distance in zip(*columns, strict=True):
        for state in range(SIZE**2):
            assert walked(next_state, state).get(int(goal), SIZE**2) == distance[state]
        assert distance[0] < STEPS and distance[goal] == 0
        own += goal == 0
    assert own > 0  # that the start pays has to be found out as well


def test_an_action_stays_and_the_others_lead_near():
    """In the same places a map would have them: near is near in both directions."""
    stays, ways, around = [], [], []
    for next_state in drawn("train")["next_state"]:
        still = (next_state == np.arange(SIZE**2)[:, None]).all(0)
        assert still.any()
        stays.append(int(still.argmax()))
        # A way forth is mostly a way back in a step or two: no random graph has that.
        links = {(s, t) for s in range(SIZE**2) for t in next_state[s] if s != t}
        back = [walked(next_state, t).get(s, SIZE**2) for s, t in links]
        ways.append(np.mean(np.array(back) <= 2))
        around.append(max(walked(next_state, 0).values()))
    assert np.mean(ways) > 0.8 and np.mean(around) > 4
    # Which action it is differs between worlds: whatever they do has to be found out.
    assert np.bincount(stays, minlength=5).min() > 200 / 5 / 2


def test_every_world_is_another_and_there_is_one_room():
    found = {
        split: {m.tobytes() for m in drawn(split)["next_state"]} for split in SPLITS
    }
    assert len(found["train"]) == 200 and len(found["shifted"]) == 1
    assert not found["train"] & found["shifted"]


@pytest.mark.parametrize("split", SPLITS)
def test_chance_and_best_are_what_play_earns(split):
    env, task = play.RandomWorld(SIZE), play.draw(TASKS, split, 12)
    found = experts.references(
        *(env, env.default_params, task), key=jax.random.key(0), num_trials=2
    )
    assert found.adaptive is None
    for index in range(12):
        one = jax.tree.map(lambda x, i=index: x[i], task)
        params = env.default_params.replace(**one)
        chance = play.random_returns(env, params, 2000, jax.random.key(index))
        assert play.agrees(chance, float(found.random[index]))
        _, state = env.reset_env(jax.random.key(0), params)
        earned = 0.0
        for _ in range(STEPS):
            action = jnp.argmax(env.best_actions(state, params))
            step = env.step_env(jax.random.key(0), state, action, params)
            state, earned = step[1], earned + float(step[2])
        assert earned == found.best[index]


def test_a_world_too_large_to_be_drawn_is_refused():
    with pytest.raises(ValueError, match=r"size must be at most 32: .*; got 33"):
        RandomWorldConfig(size=33)
    assert RandomWorldConfig(size=32).size == 32


def test_ways_are_counted_in_both_directions():
    """A ring that is walked one way only, and a state that nothing leads to."""
    ring = jnp.array([[1, 1], [2, 2], [0, 0], [0, 3]])
    assert random_world.steps_from(ring, jnp.int32(1)).tolist() == [2, 0, 1, 4]
    assert random_world.steps_to(ring, jnp.int32(1)).tolist() == [1, 0, 2, 2]
    assert random_world.steps_to(ring, jnp.int32(3)).tolist() == [4, 4, 4, 0]
