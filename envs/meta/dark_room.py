"""Dark Room (Laskin et al., 2023): find a goal that nothing shows, then go back to it.

- A trial is `max_steps_in_episode` steps, 20, in a 9 x 9 room, and ends by the clock,
  `truncated`. Reward 1 for every step after which the agent stands on the goal.
- Best, with a known goal at distance d from the start: 20 - max(d - 1, 0), 16.6 over
  all goals from the center. Best first trial without knowing it: 210 / 81 = 2.6, a new
  cell at each step. Chance: 20 steps spread over 81 cells, 0.25 over all goals.
- Observation [2]: row and column of the agent, from -1 to 1.
- Actions: stay, up, down, left, right. A step into a wall stays.
- Markov state [5]: agent and goal, encoded as above, and the share of the trial that
  is over. The goal is the hidden task.

Every trial starts in the center (`start`: "center", "corner" or "random"), and the
reward is paid at every step, not once: reaching the goal sooner is worth more.
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment
from jax import Array

from envs.meta import room, tasks
from envs.meta.cells import cells_of


@struct.dataclass
class DarkRoomState(environment.EnvState):
    """Where the agent is."""

    time: Array  # [] int32
    position: Array  # [2] int32


@struct.dataclass(kw_only=True)
class DarkRoomParams(environment.EnvParams):
    """The task."""

    goal: Array  # [2] int32
    start: Array  # [2] int32, negative: a random cell in every trial


class DarkRoom(room.Room):
    """Find the goal. See `room.Room` for the arguments."""

    @property
    def default_params(self) -> DarkRoomParams:
        """The goal in the last corner; a task distribution draws others."""
        return DarkRoomParams(
            max_steps_in_episode=20,
            goal=jnp.full((2,), self.size - 1, jnp.int32),
            start=room.start_cell(self.start, self.size),
        )

    def reset_env(self, key, params):
        position = room.enter(key, params.start, self.size)
        state = DarkRoomState(time=jnp.zeros((), jnp.int32), position=position)
        return room.encode(self.size, position), state

    def step_env(self, key, state, action, params):
        position = room.move(state.position, action, self.size)
        state = state.replace(time=state.time + 1, position=position)
        reward = room.same(position, params.goal).astype(jnp.float32)
        terminated = self.is_terminated(state, params)
        return room.encode(self.size, position), state, reward, terminated, {}

    def is_terminated(self, state, params):
        return jnp.zeros((), bool)

    @property
    def table_size(self) -> int:
        """Cells."""
        return self.size**2

    def table_row(self, state: DarkRoomState, params: DarkRoomParams) -> Array:
        """[] int32, the agent's cell."""
        return room.number(state.position, self.size)

    def best_actions(self, state: DarkRoomState, params: DarkRoomParams) -> Array:
        """[5] bool: every shortest way to the goal; on it, to stay."""
        return room.towards(state.position, params.goal)

    def markov_state(self, state: DarkRoomState, params: DarkRoomParams) -> Array:
        """[5] float32: see the module."""
        cells = room.encode(self.size, state.position, params.goal)
        clock = jnp.float32(state.time / params.max_steps_in_episode)
        return jnp.append(cells, clock)


class DarkRoomTasks(room.RoomTasks):
    """Goals, every cell of the room being one; what the splits mean is in `draw`."""

    def __post_init__(self):
        super().__post_init__()
        self.goals(tasks.TRAIN)

    def goals(self, split: str) -> np.ndarray:
        """[M, 2] int32: every goal of a split, in row-major order."""
        return cells_of(self.part(split, self.size**2), self.size)

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """One task, uniformly from the goals of its split.

        `train` and `held_out` divide the cells of the room, 65 to 16. `shifted`: the
        held-out goals, and trials that start in a corner: directions learnt from the
        center are of no use.

        Args:
          key: consumed.
          split: static, one of `tasks.SPLITS`.

        Returns:
          `goal` [2] and `start` [2], int32.
        """
        goals = self.goals(split)
        return {
            "goal": jnp.asarray(goals)[
                jax.random.randint(key, (), 0, len(goals), jnp.int32)
            ],
            "start": self.start_of(split),
        }
