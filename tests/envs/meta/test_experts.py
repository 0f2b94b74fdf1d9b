"""Experts of meta-environments: as far as the clock allows, in every lens, by search.

| mutant | fails |
|---|---|
| Meta ignores how its task permutes actions | stand_for_the_inner_ones |
| Meta leaves the clock of a cut trial as it is | step_that_is_left |
| value iteration one step short | step_that_is_left, an_mdps_expert |
| the door first | shortest_ways |
| only the first of several ways | shortest_ways |
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.contract.expert import best_actions, expert
from envs.meta.dark_key_to_door import DarkKeyToDoor
from envs.meta.dark_room import DarkRoom, DarkRoomTasks
from envs.meta.projection import Projection
from envs.meta.tabular_mdp import TabularMDP, TabularMDPTasks
from envs.meta.variations import Composed, Fields
from envs.meta.wrapper import Meta

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "shifted"])
def test_an_mdps_expert_earns_its_value_on_average(split):
    """Beside backward induction on each task; 17 steps are a trial and a cut one."""
    params = {"num_trials": 2, "step_budget": 17, "split": split}
    env, env_params = envs.make("meta_tabular_mdp", history=True, **params)
    act = expert(env)

    def episode(key):
        _, first = env.reset(key, env_params)

        def step(state, key):
            action = act(state, env_params)
            _, state, reward, *_ = env.step(key, state, action, env_params)
            return state, reward

        rewards = jax.lax.scan(step, first, jax.random.split(key, 17))[1]
        return rewards.sum(), first.task

    found, task = jax.jit(jax.vmap(episode))(jax.random.split(jax.random.key(0), 1500))
    values = [
        sum(plain_values(transition, mean, steps)[0].max() for steps in (10, 7))
        for transition, mean in zip(
            np.asarray(task["transition"], float),
            np.asarray(task["reward_mean"], float),
            strict=True,
        )
    ]
    excess = np.asarray(found, float) - values
    assert abs(excess.mean()) < 4 * excess.std() / len(excess) ** 0.5


def plain_values(transition, mean, steps):
    """[S, A] of a first action with `steps` to go, in float64."""
    value = np.zeros(len(mean))
    for _ in range(steps):
        q = mean + np.array([[row @ value for row in rows] for rows in transition])
        value = q.max(-1)
    return q


def test_an_mdps_expert_looks_as_far_ahead_as_a_step_that_is_left():
    """In every state and at every time, with the budget that cuts the third trial."""
    law = TabularMDPTasks(4, 3)
    env = Meta(TabularMDP(4, 3), Fields(law.draw), num_trials=5, split="shifted")
    env_params = env.params_for(env.env.default_params, 26)
    _, first = env.reset(jax.random.key(5), env_params)
    grid = itertools.product(range(26), range(4))
    times, states = np.asarray(list(grid), np.int32).T

    def at(time, state):
        inner = first.inner.replace(time=time % 10, state=state)
        return first.replace(time=time, trial=time // 10, inner=inner)

    now = jax.vmap(at)(jnp.asarray(times), jnp.asarray(states))
    best = jax.jit(jax.vmap(best_actions(env), (0, None)))
    found = np.asarray(best(now, env_params))
    task = [
        np.asarray(first.task[name], float) for name in ("transition", "reward_mean")
    ]
    differ = 0
    for time, state, best in zip(times, states, found, strict=True):
        q = plain_values(*task, min(10 - time % 10, 26 - time))[state]
        assert best.tolist() == (q == q.max()).tolist()
        differ += q.argmax() != plain_values(*task, 10 - time % 10)[state].argmax()
    assert differ, "the budget must matter somewhere"


def test_best_actions_stand_for_the_inner_ones_where_a_task_permutes_them():
    """Played: an action is best if, and only if, it brings the goal nearer."""
    law = {"train": "permutation"}
    lens = Projection(2, {"train": "identity"}, law)
    variation = Composed(Fields(DarkRoomTasks(5).draw), lens)
    env = Meta(DarkRoom(5), variation, num_trials=3)
    params = env.default_params
    keys = jax.random.split(jax.random.key(1), 20)
    _, states = jax.jit(jax.vmap(env.reset_env, (0, None)))(keys, params)
    best = jax.jit(jax.vmap(best_actions(env), (0, None)))
    found = np.asarray(best(states, params))
    step = jax.vmap(env.step_env, (None, None, 0, None))
    step = jax.jit(jax.vmap(step, (None, 0, None, None)))
    _, after, *_ = step(jax.random.key(0), states, jnp.arange(5), params)
    goal = np.asarray(states.task[0]["goal"])
    before = np.abs(np.asarray(states.inner.position) - goal).sum(-1)
    then = np.abs(np.asarray(after.inner.position) - goal[:, None]).sum(-1)
    np.testing.assert_array_equal(found, then == np.maximum(before - 1, 0)[:, None])
    assert len({tuple(x) for x in np.asarray(states.task[1]["act"]).argmax(1)}) > 5


def steps_by_search(size, stages):
    """{(cell, stage): steps until the last stage's cell is stood on after a step}."""
    moves = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))

    def go(state, move):
        (row, column), stage = state
        cell = tuple(
            min(max(x + d, 0), size - 1)
            for x, d in zip((row, column), move, strict=True)
        )
        return cell, stage + (cell == stages[stage])

    cells = list(itertools.product(range(size), repeat=2))
    steps = {(cell, len(stages)): 0 for cell in cells}
    found = True
    while found:
        found = {
            state: 1 + min(reached)
            for state in itertools.product(cells, range(len(stages)))
            if state not in steps
            and (reached := [steps[n] for m in moves if (n := go(state, m)) in steps])
        }
        steps |= found
    return steps, lambda state: [steps[go(state, move)] for move in moves]


@pytest.mark.parametrize("make", [DarkRoom, DarkKeyToDoor])
def test_shortest_ways_through_a_room_are_those_of_a_search(make):
    """Each best action is one, every way is among them; walls are never walked into."""
    size, env = 4, make(4)
    cells = list(itertools.product(range(size), repeat=2))
    pairs = [((0, 0), (3, 2)), ((1, 2), (1, 2)), ((3, 3), (2, 3)), ((2, 0), (0, 0))]
    best = jax.jit(jax.vmap(best_actions(env), (0, None)))
    for pair in pairs:
        stages = pair[1:] if make is DarkRoom else pair
        names = ("goal",) if make is DarkRoom else ("key", "door")
        task = {n: jnp.asarray(c) for n, c in zip(names, stages, strict=True)}
        params = env.default_params.replace(**task)
        _, state = env.reset(jax.random.key(0), params)
        steps, ahead = steps_by_search(size, stages)
        for stage in range(len(stages)):
            has = {} if make is DarkRoom else {"has_key": jnp.full(16, stage == 1)}
            states = jax.tree.map(lambda x: jnp.broadcast_to(x, (16, *x.shape)), state)
            states = states.replace(position=jnp.asarray(cells), **has)
            for cell, found in zip(
                cells, np.asarray(best(states, params)), strict=True
            ):
                options = ahead((cell, stage))
                assert steps[cell, stage] == 1 + min(options)
                shortest = np.array(options) == min(options)
                # Bumping into a wall is staying, and named as such.
                bumps = [
                    not (0 <= cell[0] + r < size and 0 <= cell[1] + c < size)
                    for r, c in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
                ]
                np.testing.assert_array_equal(found, shortest & ~np.array(bumps))
