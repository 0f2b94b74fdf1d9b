"""Dark Key-to-Door (Laskin et al., 2023): an unseen key first, then an unseen door.

- The 9 x 9 room of Dark Room, trials of `max_steps_in_episode` steps, 50. Reward 1 for
  reaching the key, once, and 1 for then reaching the door, which ends the trial
  (`terminated`); else the clock does (`truncated`). A door passed without the key stays
  shut, and the step that takes the key does not open it.
- Best 2, chance 0.27 over all tasks (`envs.meta.experts` has both per task).
- Observation [2]: row and column of the agent, from -1 to 1. Whether it holds
  the key is to be remembered, from the reward.
- Actions: stay, up, down, left, right. A step into a wall stays.
- Markov state [8]: agent, key and door, encoded as above; whether the key is
  held; the share of the trial that is over. Key and door are the hidden task.

Every trial starts in the center, as in Dark Room (`start`: or "corner", "random").
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
class DarkKeyToDoorState(environment.EnvState):
    """Where the agent is and what it has done."""

    time: Array  # [] int32
    position: Array  # [2] int32
    has_key: Array  # [] bool
    opened: Array  # [] bool, the door


@struct.dataclass(kw_only=True)
class DarkKeyToDoorParams(environment.EnvParams):
    """The task."""

    key: Array  # [2] int32
    door: Array  # [2] int32
    start: Array  # [2] int32, negative: a random cell in every trial


class DarkKeyToDoor(room.Room):
    """Find the key, then the door. See `room.Room` for the arguments."""

    @property
    def default_params(self) -> DarkKeyToDoorParams:
        """Key and door in opposite corners; a task distribution draws others."""
        return DarkKeyToDoorParams(
            max_steps_in_episode=50,
            key=jnp.zeros((2,), jnp.int32),
            door=jnp.full((2,), self.size - 1, jnp.int32),
            start=room.start_cell(self.start, self.size),
        )

    def reset_env(self, key, params):
        state = DarkKeyToDoorState(
            time=jnp.zeros((), jnp.int32),
            position=room.enter(key, params.start, self.size),
            has_key=jnp.zeros((), bool),
            opened=jnp.zeros((), bool),
        )
        return room.encode(self.size, state.position), state

    def step_env(self, key, state, action, params):
        position = room.move(state.position, action, self.size)
        takes = ~state.has_key & room.same(position, params.key)
        opens = state.has_key & room.same(position, params.door)
        state = state.replace(
            time=state.time + 1,
            position=position,
            has_key=state.has_key | takes,
            opened=state.opened | opens,
        )
        reward = (takes | opens).astype(jnp.float32)
        terminated = self.is_terminated(state, params)
        return room.encode(self.size, position), state, reward, terminated, {}

    def is_terminated(self, state, params):
        return state.opened

    @property
    def table_size(self) -> int:
        """Cells, without the key and with it."""
        return 2 * self.size**2

    def table_row(
        self, state: DarkKeyToDoorState, params: DarkKeyToDoorParams
    ) -> Array:
        """[] int32, the agent's cell and whether it has the key."""
        held = state.has_key.astype(jnp.int32) * self.size**2
        return held + room.number(state.position, self.size)

    def best_actions(
        self, state: DarkKeyToDoorState, params: DarkKeyToDoorParams
    ) -> Array:
        """[5] bool: every shortest way to the key, then to the door."""
        target = jnp.where(state.has_key, params.door, params.key)
        return room.towards(state.position, target)

    def markov_state(
        self, state: DarkKeyToDoorState, params: DarkKeyToDoorParams
    ) -> Array:
        """[8] float32: see the module."""
        cells = room.encode(self.size, state.position, params.key, params.door)
        clock = jnp.float32(state.time / params.max_steps_in_episode)
        return jnp.concatenate([cells, jnp.stack([jnp.float32(state.has_key), clock])])


class DarkKeyToDoorTasks(room.RoomTasks):
    """Pairs of cells, equal ones included; what the splits mean is in `draw`."""

    def __post_init__(self):
        super().__post_init__()
        self.pairs(tasks.TRAIN)

    def pairs(self, split: str) -> np.ndarray:
        """[M, 2, 2] int32: every (key, door) of a split, in row-major order."""
        count = self.size**2
        key, door = np.divmod(self.part(split, count**2), count)
        return np.stack([cells_of(x, self.size) for x in (key, door)], axis=1)

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """One task, uniformly from the pairs of its split.

        `train` and `held_out` divide the 81^2 pairs, 5249 to 1312: a held-out task is a
        new pair of cells that were each met in training. `shifted`: the held-out pairs,
        and trials that start in a corner.

        Args:
          key: consumed.
          split: static, one of `tasks.SPLITS`.

        Returns:
          `key` [2], `door` [2] and `start` [2], int32.
        """
        pairs = self.pairs(split)
        pair = jnp.asarray(pairs)[jax.random.randint(key, (), 0, len(pairs), jnp.int32)]
        return {"key": pair[0], "door": pair[1], "start": self.start_of(split)}
