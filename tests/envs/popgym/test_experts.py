"""Experts of games: the shortest way out, and what is left to win wherever one stands.

| mutant | fails |
|---|---|
| the flood goes through walls | shortest_way_out |
| a way of equal length counts as shorter | shortest_way_out |
| a matched card is a partner | whatever_was_done |
| an opened cell is clear | whatever_was_done |
"""

from collections import deque

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envs
from envs.contract.expert import best_actions, expert
from envs.popgym.labyrinth import EXIT, WALL, LabyrinthEscape

pytestmark = pytest.mark.usefixtures("quick_compilation")


def carved(rng, height, width):
    """[H, W] a maze by depth-first search: 0 free, 1 wall."""
    grid = np.ones((2 * height + 1, 2 * width + 1), np.int8)
    stack = [(1, 1)]
    grid[1, 1] = 0
    while stack:
        row, column = stack[-1]
        ways = [
            (r, c)
            for r, c in ((-2, 0), (2, 0), (0, -2), (0, 2))
            if 0 < row + r < len(grid) and 0 < column + c < len(grid[0])
            and grid[row + r, column + c]
        ]  # fmt: skip
        if not ways:
            stack.pop()
            continue
        r, c = ways[rng.integers(len(ways))]
        grid[row + r // 2, column + c // 2] = grid[row + r, column + c] = 0
        stack.append((row + r, column + c))
    return grid


def several(state, n):
    """The same state `n` times."""
    return jax.tree.map(lambda x: jnp.broadcast_to(x, (n, *x.shape)), state)


@pytest.mark.slow
def test_a_labyrinths_expert_takes_the_shortest_way_out():
    """From every square of some mazes, one of them with loops and one without a way."""
    env, rng = LabyrinthEscape(4, 5), np.random.default_rng(0)
    moves = ((0, -1), (0, 1), (-1, 0), (1, 0))
    best = jax.jit(jax.vmap(best_actions(env), (0, None)))
    for kind in ("tree", "loops", "shut"):
        grid = carved(rng, 4, 5)
        if kind == "loops":
            grid[1:-1, 1:-1][rng.random((7, 9)) < 0.3] = 0
        start, end = (0, 3), (8, 2 * int(rng.integers(5)) + 1)
        if kind == "shut":
            grid[7, end[1]] = 1
        hidden = {"grid": grid, "start": np.array(start), "end": np.array(end)}
        _, state = env.state_from(hidden, env.default_params)
        walls = np.asarray(state.grid) == WALL
        assert state.grid[end] == EXIT and not walls[start]
        steps, queue = {end: 0}, deque([end])
        while queue:
            here = queue.popleft()
            for r, c in moves:
                there = here[0] + r, here[1] + c
                inside = 0 <= there[0] < 9 and 0 <= there[1] < 11
                if inside and not walls[there] and there not in steps:
                    steps[there] = steps[here] + 1
                    queue.append(there)
        squares = [tuple(x) for x in np.argwhere(~walls).tolist() if tuple(x) != end]
        states = several(state, len(squares))
        states = states.replace(position=jnp.asarray(squares, jnp.int32))
        for here, found in zip(
            squares, np.asarray(best(states, env.default_params)), strict=True
        ):
            if here not in steps:
                assert found.all()
                continue
            around = [steps.get((here[0] + r, here[1] + c)) for r, c in moves]
            assert found.tolist() == [n == steps[here] - 1 for n in around]
        assert (kind == "shut") == (start not in steps)


def left_to_win(name, env, state):
    """The most that a state is worth, by hand, and whether it was lost already."""
    left = env.default_params.max_steps_in_episode - state.time
    if "battleship" in name:
        return jnp.minimum(left, (state.board & ~state.asked).sum()) / 12
    if "minesweeper" in name:
        closed = (~state.mines & ~state.opened).sum()
        return jnp.minimum(left, closed) / env.num_clear
    turns = (left + (state.waiting >= 0)) // 2
    return jnp.minimum(turns, (~state.matched).sum() // 2) * 2 / env.num_cards


@pytest.mark.parametrize(
    "name",
    [
        "popgym_minesweeper_easy",
        pytest.param("popgym_battleship_easy", marks=pytest.mark.slow),
        pytest.param("popgym_concentration_easy", marks=pytest.mark.slow),
        pytest.param("popgym_concentration_hard", marks=pytest.mark.slow),
    ],
)
def test_an_expert_gets_all_that_is_left_whatever_was_done(name):
    """It takes over from random play, after any number of its steps."""
    env, params = envs.make(name)
    act, most = expert(env), params.max_steps_in_episode

    def episode(key, takes_over):
        key, reset_key = jax.random.split(key)
        _, state = env.reset_env(reset_key, params)

        def step(now, inputs):
            state, alive, worth, total = now
            time, key = inputs
            here = (time == takes_over) & alive
            worth = jnp.where(here, left_to_win(name, env, state), worth)
            random = env.action_space(params).sample(key)
            action = jnp.where(time < takes_over, random, act(state, params))
            _, state, reward, terminated, _ = env.step_env(key, state, action, params)
            total += jnp.where(alive & (time >= takes_over), reward, 0)
            alive &= ~(terminated | env.is_truncated(state, params))
            return (state, alive, worth, total), None

        steps = jnp.arange(most), jax.random.split(key, most)
        start = (state, jnp.array(True), jnp.float32(0), jnp.float32(0))
        return jax.lax.scan(step, start, steps)[0][2:]

    n = 200
    takes_over = jax.random.randint(jax.random.key(1), (n,), 0, most)
    keys = jax.random.split(jax.random.key(0), n)
    worth, total = jax.jit(jax.vmap(episode))(keys, takes_over)
    np.testing.assert_allclose(total, worth, atol=1e-5)
    assert len(np.unique(np.round(worth, 3))) > 5
