"""Exact returns in the room: of one who knows, of a random walk, of a search.

Everything is of one task, cells being [2] int32, and maps over tasks with `jax.vmap`.
`size` and `horizon` are static. A random start is averaged over.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from envs.meta import room


def steps_between(a: Array, b: Array) -> Array:
    """[...] int32: the least number of steps, at least one, that can end in b.

    `a` is [..., 2] and `b` [2]; to be paid for where one stands takes a step too.
    """
    distance = jnp.abs(a[..., 0] - b[0]) + jnp.abs(a[..., 1] - b[1])
    return jnp.maximum(distance, 1)


def spread(x: Array) -> Array:
    """One uniformly random action, applied to a map of the room, [size, size].

    The walk is as likely to go from i to j as from j to i, so this is both what happens
    to a distribution over cells and the expected value of a map one step ahead.
    """
    wide = jnp.pad(x, 1, mode="edge")  # a step into a wall stays
    up, down = wide[:-2, 1:-1], wide[2:, 1:-1]
    left, right = wide[1:-1, :-2], wide[1:-1, 2:]
    return (x + up + down + left + right) / len(room.MOVES)


def dark_room_best(goal: Array, start: Array, *, size: int, horizon: int) -> Array:
    """[]: the return of walking straight to the goal and staying there."""
    steps = steps_between(_cells(size), goal)
    paid = jnp.maximum(horizon + 1 - steps, 0).astype(jnp.float32)
    return jnp.sum(room.start_law(start, size) * paid)


def dark_room_random(goal: Array, start: Array, *, size: int, horizon: int) -> Array:
    """[]: the return of uniformly random actions."""

    def step(law, _):
        law = spread(law)
        return law, law[goal[0], goal[1]]

    return jnp.sum(jax.lax.scan(step, room.start_law(start, size), None, horizon)[1])


def dark_room_search(
    goal: Array, start: Array, *, size: int, horizon: int, num_trials: int
) -> Array:
    """[num_trials]: the return of a search that ends for good at the first reward.

    Until then, each trial goes on to the nearest cell where nobody has stood; after it,
    the agent stays, and later trials walk straight to the goal. The first trial is as
    good as any without knowledge of the goal can be.

    `start` is one fixed cell and no tracer: the tour depends on it.

    Raises:
      ValueError: if the start is random.
    """
    if np.any(np.asarray(start) < 0):
        raise ValueError(f"the search wants a fixed start; got {start}, a random one.")
    trial, step = search_tour((int(start[0]), int(start[1])), size, horizon)
    found, at = jnp.asarray(trial)[*goal], jnp.asarray(step)[*goal]
    best = dark_room_best(goal, start, size=size, horizon=horizon)
    now = jnp.arange(num_trials, dtype=jnp.int32)
    return jnp.where(
        now > found, best, jnp.where(now == found, jnp.float32(horizon + 1 - at), 0)
    )


def search_tour(
    start: tuple[int, int], size: int, horizon: int
) -> tuple[np.ndarray, np.ndarray]:
    """When each cell is first stood on after a step, by the greedy search above.

    Returns:
      `(trial, step)`, [size, size] int32: trials count from 0, steps from 1. A
      cell that no trial can reach has trial 2^31 - 1.
    """
    never = np.iinfo(np.int32).max
    trial = np.full((size, size), never, np.int32)
    step = np.zeros((size, size), np.int32)
    rows, columns = np.indices((size, size))
    number = 0
    while (trial == never).any():
        here, found = start, 0
        for now in range(1, horizon + 1):
            distance = np.abs(rows - here[0]) + np.abs(columns - here[1])
            # Nearest first. Among equals, the one hemmed in by what is known: to come
            # back for it later would cost a trial of its own.
            hemmed = _known_around(trial != never)
            order = np.where(trial == never, distance * 8.0 - hemmed, np.inf)
            target = np.unravel_index(order.argmin(), order.shape)
            here = _towards(here, target)
            if trial[here] == never:
                trial[here], step[here] = number, now
                found += 1
            if not (trial == never).any():
                break
        if not found:
            break
        number += 1
    return trial, step


def key_to_door_best(
    key: Array, door: Array, start: Array, *, size: int, horizon: int
) -> Array:
    """[]: the return of walking straight to the key and then to the door."""
    to_key = steps_between(_cells(size), key)
    to_door = to_key + steps_between(key, door)
    paid = jnp.float32(to_key <= horizon) + jnp.float32(to_door <= horizon)
    return jnp.sum(room.start_law(start, size) * paid)


def key_to_door_random(
    key: Array, door: Array, start: Array, *, size: int, horizon: int
) -> Array:
    """[]: the return of uniformly random actions, by the two first passages."""

    def opens(chance, _):
        # chance: of having stood on the door within n steps, by the cell one starts in.
        ahead = spread(chance.at[door[0], door[1]].set(1.0))
        return ahead, chance[key[0], key[1]]

    def takes(law, _):
        law = spread(law)
        return law.at[key[0], key[1]].set(0.0), law[key[0], key[1]]

    nowhere = jnp.zeros((size, size), jnp.float32)
    within = jax.lax.scan(opens, nowhere, None, horizon)[1]  # [n] of n further steps
    taken = jax.lax.scan(takes, room.start_law(start, size), None, horizon)[1]
    return jnp.sum(taken * (1 + within[::-1]))  # taken at step t leaves horizon - t


def _cells(size: int) -> Array:
    """[size, size, 2] int32: every cell."""
    return jnp.stack(jnp.indices((size, size), dtype=jnp.int32), axis=-1)


def _known_around(known: np.ndarray) -> np.ndarray:
    """How many of the four neighbours of each cell are known, walls included."""
    wide = np.pad(known, 1, constant_values=True).astype(int)
    return wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]


def _towards(here: tuple, target: tuple) -> tuple[int, int]:
    """One step along the longer way first; in the room, some shortest path."""
    dr, dc = int(target[0]) - here[0], int(target[1]) - here[1]
    if abs(dr) >= abs(dc):
        return here[0] + int(np.sign(dr)), here[1]
    return here[0], here[1] + int(np.sign(dc))
