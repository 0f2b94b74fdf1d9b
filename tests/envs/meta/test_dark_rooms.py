"""Dark Room and Key-to-Door by hand, and their exact returns against play and search.

| mutant | fails |
|---|---|
| up and down swapped | hand_worked |
| the door opens without the key | hand_worked_key |
| the key's own step opens a door in its cell | hand_worked_key |
| a step into a wall wraps round | hand_worked, random_play |
| the key taken at step t leaves horizon - t - 1 | every_sequence |
| dark_room_best pays from the step before | straight_to_the_goal |
| the walk goes on from the key as if it had not been taken | random_play |
| a map wraps round in `spread` | random_play |
| the search goes to the farthest cell | legal_steps, no_first_trial |
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs.meta import cells, experts, room, walks
from envs.meta.dark_key_to_door import DarkKeyToDoor, DarkKeyToDoorTasks
from envs.meta.dark_room import DarkRoom, DarkRoomTasks
from tests.envs.meta import play

pytestmark = pytest.mark.usefixtures("quick_compilation")

STAY, UP, DOWN, LEFT, RIGHT = range(5)
EVERY_CELL = jnp.asarray(cells.cells_of(np.arange(81), 9))


def cell(*at):
    return jnp.asarray(at, jnp.int32)


def test_a_hand_worked_trial_in_the_dark_room():
    env = DarkRoom()
    params = env.default_params.replace(goal=cell(3, 5))
    actions = [STAY, UP, RIGHT, STAY, DOWN, UP, *[LEFT] * 7]
    rewards, flags, states = play.walk(env, params, actions)
    assert rewards == [0, 0, 1, 1, 0, 1] + [0] * 7 and not any(flags)
    path = [tuple(state.position.tolist()) for state in states]
    assert path[:7] == [(4, 4), (4, 4), (3, 4), (3, 5), (3, 5), (4, 5), (3, 5)]
    assert path[7:] == [(3, 4), (3, 3), (3, 2), (3, 1), (3, 0), (3, 0), (3, 0)]
    obs = room.encode(9, states[-1].position)
    np.testing.assert_allclose(obs, [-0.25, -1])  # row 3 of 0 to 8, column 0


def test_a_hand_worked_key_and_door():
    env = DarkKeyToDoor()
    params = env.default_params.replace(key=cell(4, 6), door=cell(4, 5))
    actions = [RIGHT, RIGHT, STAY, LEFT]  # past the door, to the key, and back
    rewards, flags, states = play.walk(env, params, actions)
    assert rewards == [0, 1, 0, 1] and flags == [False, False, False, True]
    assert [bool(state.has_key) for state in states] == [0, 0, 1, 1, 1]
    # Both in one cell: the step that takes the key does not open the door.
    both = params.replace(key=cell(4, 5))
    rewards, flags, _ = play.walk(env, both, [RIGHT, STAY])
    assert rewards == [1, 1] and flags == [False, True]
    # The key lies where the trial starts: it takes a step to take it.
    here = params.replace(key=cell(4, 4))
    assert play.walk(env, here, [STAY, RIGHT])[0] == [1, 1]


def test_opening_the_door_ends_the_trial_and_hides_the_next_one():
    env = DarkKeyToDoor()
    params = env.default_params.replace(key=cell(4, 6), door=cell(4, 5))
    _, state = env.reset(jax.random.key(0), params)
    for action, ends in ((RIGHT, False), (RIGHT, False), (LEFT, True)):
        obs, state, _, terminated, truncated, info = env.step(
            jax.random.key(0), state, action, params
        )
        assert bool(terminated) == ends and not truncated
    np.testing.assert_allclose(obs, [0, 0])  # the center
    np.testing.assert_allclose(info["final_observation"], [0, 0.25])
    assert not state.has_key and not state.opened and state.time == 0


@pytest.mark.thinned(6)
@pytest.mark.parametrize("start", ["center", "corner", "random"])
@pytest.mark.parametrize(
    ("make", "tasks"), [(DarkRoom, DarkRoomTasks), (DarkKeyToDoor, DarkKeyToDoorTasks)]
)
def test_random_play_earns_the_exact_return(make, tasks, start):
    env = make(size=4)
    other = "corner" if start == "center" else "center"
    task = tasks(size=4, start=start, shifted_start=other).draw(
        jax.random.key(3), "train"
    )
    params = env.default_params.replace(**task, max_steps_in_episode=20)
    returns = play.random_returns(env, params, 6000, jax.random.key(0))
    batch = jax.tree.map(lambda x: x[None], task)
    found = experts.references(env, params, batch, key=jax.random.key(0), num_trials=1)
    assert 0.2 < float(found.random[0]) < float(found.best[0])
    assert play.agrees(returns, float(found.random[0]))


@pytest.mark.thinned(6)
@pytest.mark.parametrize("at", [((1, 1), (1, 2)), ((1, 2), (1, 2)), ((0, 1), (2, 2))])
@pytest.mark.parametrize("make", [DarkRoom, DarkKeyToDoor])
def test_random_play_is_the_mean_over_every_sequence_of_actions(make, at):
    """All 5^4 trials of four steps from the middle of a small room."""
    env = make(size=3)
    first, second = cell(*at[0]), cell(*at[1])
    task = {"goal": first} if make is DarkRoom else {"key": first, "door": second}
    task["start"] = cell(1, 1)
    params = env.default_params.replace(**task, max_steps_in_episode=4)

    def trial(actions):
        state, over, total = env.reset(jax.random.key(0), params)[1], False, 0.0
        for action in actions:
            _, state, reward, terminated, _ = env.step_env(
                jax.random.key(0), state, action, params
            )
            total, over = total + jnp.where(over, 0.0, reward), over | terminated
        return total

    sequences = jnp.asarray(list(itertools.product(range(5), repeat=4)), jnp.int32)
    batch = jax.tree.map(lambda x: x[None], task)
    found = experts.references(env, params, batch, key=jax.random.key(0), num_trials=1)
    returns = jax.jit(jax.vmap(trial))(sequences)
    np.testing.assert_allclose(found.random[0], returns.mean(), rtol=1e-5)
    np.testing.assert_allclose(found.best[0], returns.max(), rtol=1e-5)


def best_by_planning(horizon, start, stages):
    """Backward induction over (cell, stage); a stage is a cell to reach, in order.

    Reaching the last one pays for ever if there is only one, as the goal does.
    """
    size = 9
    value = np.zeros((len(stages) + 1, size, size))
    for _ in range(horizon):
        later, value = value, np.zeros_like(value)
        for stage, r, c in itertools.product(
            range(len(stages)), range(size), range(size)
        ):
            options = []
            for dr, dc in room.MOVES:
                at = min(max(r + dr, 0), size - 1), min(max(c + dc, 0), size - 1)
                reached = at == stages[stage]
                following = stage + reached if len(stages) > 1 else stage
                options.append(reached + later[following][at])
            value[stage, r, c] = max(options)
    return value[0].mean() if start is None else value[0][start]


@pytest.mark.parametrize("start", [(4, 4), (0, 0), None])
@pytest.mark.parametrize("goal", [(4, 4), (4, 5), (8, 8)])
def test_the_best_is_to_walk_straight_to_the_goal(goal, start):
    want = best_by_planning(10, start, [goal])
    found = walks.dark_room_best(
        cell(*goal), cell(*(start or (-1, -1))), size=9, horizon=10
    )
    np.testing.assert_allclose(found, want, rtol=1e-5)


@pytest.mark.parametrize("start", [(4, 4), None])
@pytest.mark.parametrize("pair", [((4, 4), (4, 4)), ((3, 2), (7, 5)), ((0, 0), (8, 8))])
def test_the_best_is_to_fetch_the_key_and_then_open(pair, start):
    """Ten steps, too few for the far pairs."""
    want = best_by_planning(10, start, list(pair))
    found = walks.key_to_door_best(
        *map(lambda at: cell(*at), pair), cell(*(start or (-1, -1))), size=9, horizon=10
    )
    np.testing.assert_allclose(found, want, rtol=1e-5)


def test_every_pair_is_worth_two_in_fifty_steps():
    corners = [cell(r, c) for r in (0, 8) for c in (0, 8)]
    for start, key, door in itertools.product(
        [cell(4, 4), cell(0, 0)], corners, corners
    ):
        assert walks.key_to_door_best(key, door, start, size=9, horizon=50) == 2


def figures(start, num_trials=8):
    env = DarkRoom()
    tasks = {"goal": EVERY_CELL, "start": jnp.tile(cell(*start), (81, 1))}
    return experts.references(
        env, env.default_params, tasks, key=jax.random.key(0), num_trials=num_trials
    )


@pytest.mark.parametrize("start", [(4, 4), (0, 0)])
def test_a_search_meets_every_cell_by_legal_steps(start):
    trial, step = walks.search_tour(start, 9, 20)
    assert set(range(trial.max() + 1)) == set(trial.ravel())
    for number in range(trial.max() + 1):
        rows, columns = np.nonzero(trial == number)
        order = np.argsort(step[rows, columns])
        at, now = start, 0
        for i in order:
            then = int(step[rows[i], columns[i]])
            distance = abs(rows[i] - at[0]) + abs(columns[i] - at[1])
            assert now < then <= 20 and distance <= then - now
            at, now = (rows[i], columns[i]), then


def test_no_first_trial_can_be_better_than_the_search():
    """A new cell at each step; the one met at step t pays 21 - t times."""
    found = figures((4, 4))
    np.testing.assert_allclose(found.adaptive[:, 0].sum(), sum(range(1, 21)), rtol=1e-6)
    # 81 cells at 20 a trial take five trials at least, and the search takes no more.
    np.testing.assert_array_equal(
        found.adaptive[:, 5:], found.best[:, None].repeat(3, 1)
    )
    assert (np.diff((found.adaptive > 0).astype(int), axis=1) >= 0).all()
    assert (found.adaptive <= found.best[:, None]).all()
    # 4 d cells at distance d up to 4, then 20 - 4 (d - 5) of them; 20 - (d - 1) each.
    total = 20 + sum(4 * d * (21 - d) for d in range(1, 5))
    total += sum((36 - 4 * d) * (21 - d) for d in range(5, 9))
    np.testing.assert_allclose(found.best.sum(), total, rtol=1e-6)


def test_a_search_has_one_start():
    assert figures((-1, -1)).adaptive is None
    with pytest.raises(ValueError, match="wants a fixed start"):
        walks.dark_room_search(
            cell(0, 0), cell(-1, -1), size=9, horizon=20, num_trials=1
        )


def test_chance_over_all_goals_is_twenty_steps_in_81_cells():
    np.testing.assert_allclose(figures((4, 4)).random.sum(), 20, rtol=1e-5)
    np.testing.assert_allclose(figures((-1, -1)).random.mean(), 20 / 81, rtol=1e-5)
