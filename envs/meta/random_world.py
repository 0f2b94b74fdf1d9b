"""Small worlds with a map that is new: find a goal, and go back to it.

- A trial is `max_steps_in_episode` steps, 10, from state 0; it ends by the clock,
  `truncated`. A step that ends in the goal pays 1.
- Best: the shortest way, and then to stay (`envs.meta.experts`).
- Observation [S]: one-hot of the state, whose number says nothing of where it lies.
  Action: one of 5, whatever they do in this world.
- Markov state [2 S + 1 + S A]: one-hot of the state, share of the trial that is over,
  and the hidden task: one-hot of the goal, and where each action leads, over S.

A world is drawn so: S = size^2 points at random in a square; one action stays, four are
steps of 1 / size in directions about a right angle apart, each to the point nearest to
where it would end. The dark room of `size` cells a side is such a world too, of points
in rows and columns, and is the law of `shifted`: no agent that was trained here has
seen a room. (That training on random tabular worlds alone is enough for rooms is what
OmniRL claims, Wang et al., 2025; its worlds are other ones.) Its cells are numbered row
by row, but for the center, where trials begin: that is 0, and the first cell has the
center's number.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment
from jax import Array

from envs.meta import room, tasks
from envs.meta.tabular_mdp import Numbered, TabularMDPState

ACTIONS = len(room.MOVES)
_TURN = np.pi / 8  # how far a direction is off, at most


@struct.dataclass(kw_only=True)
class RandomWorldParams(environment.EnvParams):
    """The task."""

    next_state: Array  # [S, A] int32, where each action leads
    goal: Array  # [] int32
    distance: Array  # [S] int32, steps to the goal; S where there is no way


class RandomWorld(Numbered):
    """Find the goal, in a world without a map.

    Args:
      size: S = size^2 states.
    """

    def __init__(self, size: int = 5):
        super().__init__(size**2, ACTIONS)
        self.size = size

    @property
    def default_params(self) -> RandomWorldParams:
        """A dark room with its goal in the last corner; a distribution draws others."""
        task = a_room(self.size, jnp.int32(self.num_states - 1))
        return RandomWorldParams(max_steps_in_episode=10, **task)

    def step_env(self, key, state, action, params):
        there = params.next_state[state.state, action]
        state = state.replace(time=state.time + 1, state=there)
        reward = (there == params.goal).astype(jnp.float32)
        terminated = self.is_terminated(state, params)
        return self._observe(state), state, reward, terminated, {}

    def best_actions(self, state: TabularMDPState, params: RandomWorldParams) -> Array:
        """[A] bool: every shortest way to the goal; on it, whatever stays there."""
        left = params.distance[params.next_state[state.state]]
        return left == left.min()

    def markov_state(self, state: TabularMDPState, params: RandomWorldParams) -> Array:
        """[2 S + 1 + S A] float32: see the module."""
        clock = jnp.float32(state.time / params.max_steps_in_episode)
        goal = jax.nn.one_hot(params.goal, self.num_states, dtype=jnp.float32)
        leads = params.next_state.reshape(-1).astype(jnp.float32) / self.num_states
        return jnp.concatenate([self._observe(state), clock[None], goal, leads])


@dataclass(frozen=True)
class RandomWorldTasks:
    """Worlds and their goals; what the splits mean is in `draw`."""

    size: int = 5
    trial_steps: int = 10  # a goal is less than so many steps from the start

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """One task.

        `train` and `held_out`: a world drawn as the module says, disjoint by their
        keys; a goal is any state that is less than a trial away.
        `shifted`: the dark room, with a goal in any cell.

        Args:
          key: consumed.
          split: static, one of `tasks.SPLITS`.

        Returns:
          `next_state` [S, A], `goal` [] and `distance` [S], int32.
        """
        tasks.check_split(split)
        count = self.size**2
        if split == tasks.SHIFTED:
            return a_room(self.size, jax.random.randint(key, (), 0, count, jnp.int32))
        world_key, goal_key = jax.random.split(key)
        next_state = a_world(world_key, self.size)
        reached = steps_from(next_state, jnp.int32(0)) < self.trial_steps
        # The start itself counts: there, too, it has to be found out that it pays.
        score = jax.random.uniform(goal_key, (count,), jnp.float32)
        goal = jnp.argmax(jnp.where(reached, score, -1)).astype(jnp.int32)
        return _task(next_state, goal)


def a_world(key: Array, size: int) -> Array:
    """[S, A] int32: where the actions of a random world lead. `key` is consumed."""
    point_key, turn_key, off_key, order_key = jax.random.split(key, 4)
    points = jax.random.uniform(point_key, (size**2, 2), jnp.float32)
    turn = jax.random.uniform(turn_key, (), jnp.float32, 0, 2 * np.pi)
    off = jax.random.uniform(off_key, (ACTIONS - 1,), jnp.float32, -_TURN, _TURN)
    angle = turn + off + jnp.arange(ACTIONS - 1, dtype=jnp.float32) * np.pi / 2
    ways = jnp.stack([jnp.cos(angle), jnp.sin(angle)], -1) / size
    ways = jnp.concatenate([jnp.zeros((1, 2), jnp.float32), ways])
    ways = ways[jax.random.permutation(order_key, ACTIONS)]
    wanted = points[:, None] + ways[None]  # [S, A, 2]
    away = jnp.square(wanted[:, :, None] - points[None, None]).sum(-1)
    return jnp.argmin(away, -1).astype(jnp.int32)


def a_room(size: int, goal: Array) -> dict[str, Array]:
    """The task of a dark room of size x size with this goal, a number of a state."""
    cells = np.stack(np.divmod(np.arange(size**2), size), -1)  # [S, 2]
    moved = np.clip(cells[:, None] + np.array(room.MOVES), 0, size - 1)
    number = numbers(size)
    next_state = np.empty((size**2, ACTIONS), np.int32)
    next_state[number] = number[moved[..., 0] * size + moved[..., 1]]
    return _task(jnp.asarray(next_state), goal)


def numbers(size: int) -> np.ndarray:
    """[S] int: the states' numbers of a room's cells, the cells row by row."""
    number, center = np.arange(size**2), size // 2 * (size + 1)
    number[[0, center]] = center, 0
    return number


def steps_from(next_state: Array, start: Array) -> Array:
    """[S] int32: of the shortest way from `start` to each state; S where none is."""
    count = len(next_state)
    first = jnp.full(count, count, jnp.int32).at[start].set(0)

    def further(_, steps):
        return steps.at[next_state].min(steps[:, None] + 1)

    return jnp.minimum(jax.lax.fori_loop(0, count - 1, further, first), count)


def steps_to(next_state: Array, goal: Array) -> Array:
    """[S] int32: of the shortest way from each state to `goal`; S where none is."""
    count = len(next_state)
    first = jnp.full(count, count, jnp.int32).at[goal].set(0)

    def nearer(_, steps):
        return jnp.minimum(steps, 1 + steps[next_state].min(-1))

    return jnp.minimum(jax.lax.fori_loop(0, count - 1, nearer, first), count)


def _task(next_state: Array, goal: Array) -> dict[str, Array]:
    distance = steps_to(next_state, goal)
    return {"next_state": next_state, "goal": goal, "distance": distance}
