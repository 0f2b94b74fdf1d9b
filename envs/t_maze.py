"""T-Maze (Bakker, 2001; Ni et al., 2023): is a cue kept along a corridor of any length?

    passive      cue . . . . +     active      cue S . . . . +
                  0 1  ...   L                  -1 0 1  ...   L

A cue says on which side of the junction (+) the goal lies. Every episode draws its
corridor's length L, so that an agent can be trained on mixed lengths and tested on one
that it has never met. In between all observations are alike: no position, no length and
no clock. The one reward, +1 or -1, is for the turn, which ends the episode
(`terminated`). The side is a fair coin, so uniformly random play averages 0 in both
variants, and so does a turn without memory of the cue; the best is 1, at every length.

Observation [2] float32: the cue, -1 left, +1 right, 0 where it is not shown; 1 at the
junction, else 0. In an arm both are 0: whether the turn was right is not given away.

*Passive* (default). The cue is the first observation. The agent is moved along by one
cell a step, whatever it does; the junction is observation L, and the turn step L + 1.
Two actions: turn left, turn right. It is never `truncated`.

*Active.* The agent starts at S and sees nothing; the cue is shown by an oracle one step
behind it, the first time that the agent stands there. Four actions: left and right,
which turn at the junction and bump into the wall elsewhere; back and forward, along the
corridor, which bump into its two ends. Bumping is staying, and costs nothing. The
shortest way with the cue takes L + 3 steps; after twice that of the longest corridor
(or `max_steps_in_episode`) the episode is `truncated`, with nothing paid.

Ni et al. have one length for a run, pay 1 or 0 at a fixed time, wherever the agent is,
and fine it for falling behind. Here the passive agent cannot fall behind.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.config import TMazeConfig
from envs.contract import expert
from envs.contract.auto_reset import AutoReset

# Of the actions left, right, back, forward; the passive variant has the first two.
TURNS = (-1, 1, 0, 0)
MOVES = (0, 0, -1, 1)
NAMES = ("left", "right", "back", "on")
ORACLE, START = -1, 0  # cells; the junction is cell L


@struct.dataclass
class TMazeState(environment.EnvState):
    """Where the agent is, and what it has been shown."""

    time: Array  # [] int32, steps taken
    length: Array  # [] int32, L
    side: Array  # [] int32, where the goal is: -1 left, +1 right
    position: Array  # [] int32, cell of the corridor, from ORACLE to L
    arm: Array  # [] int32, that the agent has turned into; 0 until then
    cue: Array  # [] int32, what is shown of the side now
    cue_was_shown: Array  # [] bool, now or before


@struct.dataclass
class TMazeParams(environment.EnvParams):
    """Lengths, in cells from the start to the junction, and the time limit."""

    length_min: int = 1
    length_max: int = 100
    max_steps_in_episode: int = 101


class TMaze(AutoReset):
    """See the module docstring.

    Args:
      active: whether the agent has to walk, and to fetch the cue.
      length_law: of lengths between the least and the largest, "uniform" or
        "log_uniform", under which each doubling of the length is as likely.
    """

    def __init__(self, active: bool = False, length_law: str = "uniform"):
        super().__init__()
        self.active = active
        self.length_law = length_law

    action_names = NAMES

    @property
    def default_params(self) -> TMazeParams:
        return TMazeParams(max_steps_in_episode=TMazeConfig(self.active).step_limit)

    def reset_env(self, key: Array, params: TMazeParams) -> tuple[Array, TMazeState]:
        side_key, length_key = jax.random.split(key)
        side = 2 * jax.random.bernoulli(side_key).astype(jnp.int32) - 1
        nothing = jnp.zeros((), jnp.int32)
        state = TMazeState(
            time=nothing,
            length=_LAWS[self.length_law](length_key, params),
            side=side,
            position=jnp.full((), START, jnp.int32),
            arm=nothing,
            cue=nothing if self.active else side,
            cue_was_shown=jnp.full((), not self.active),
        )
        return self.get_obs(state), state

    def step_env(
        self, key: Array, state: Any, action: Any, params: TMazeParams
    ) -> tuple[Array, TMazeState, Array, Array, dict]:
        turn = jnp.asarray(TURNS, jnp.int32)[action]
        move = jnp.asarray(MOVES, jnp.int32)[action] if self.active else 1
        position = jnp.clip(state.position + move, ORACLE, state.length)
        shows = (position == ORACLE) & ~state.cue_was_shown
        state = state.replace(
            time=state.time + 1,
            position=position,
            arm=jnp.where(state.position == state.length, turn, 0),
            cue=jnp.where(shows, state.side, 0),
            cue_was_shown=state.cue_was_shown | shows,
        )
        reward = (state.arm * state.side).astype(jnp.float32)
        return self.get_obs(state), state, reward, self.is_terminated(state, params), {}

    def get_obs(self, state: TMazeState, params: Any = None, key: Any = None) -> Array:
        at_junction = (state.position == state.length) & (state.arm == 0)
        return jnp.stack([state.cue, at_junction.astype(jnp.int32)]).astype(jnp.float32)

    def markov_state(self, state: TMazeState, params: TMazeParams) -> Array:
        """[6] cue, junction, side, whether it was shown, way and time that are left.

        The last two are shares of the longest corridor and of the time limit.
        """
        way = (state.length - state.position) / params.length_max
        left = 1 - state.time / params.max_steps_in_episode
        hidden = [state.side, state.cue_was_shown, way, left]
        hidden = jnp.stack([jnp.asarray(x, jnp.float32) for x in hidden])
        return jnp.concatenate([self.get_obs(state), hidden])

    def best_actions(self, state: TMazeState, params: TMazeParams) -> Array:
        """[A] bool: straight to the junction, and to the side where the goal is.

        It knows the side, so an active one never fetches the cue.
        """
        at_junction = state.position == state.length
        turn = jnp.where(state.side < 0, 0, 1)
        if not self.active:
            return expert.only(turn, self.num_actions, at_junction)
        return expert.only(jnp.where(at_junction, turn, 3), self.num_actions)

    def is_terminated(self, state: TMazeState, params: TMazeParams) -> Array:
        return state.arm != 0

    def is_truncated(self, state: TMazeState, params: TMazeParams) -> Array:
        # A turn in the last step is a turn: the clock has cut nothing.
        out_of_time = state.time >= params.max_steps_in_episode
        return out_of_time & ~self.is_terminated(state, params)

    @property
    def num_actions(self) -> int:
        return 4 if self.active else 2

    def action_space(self, params: Any = None) -> spaces.Discrete:
        return spaces.Discrete(self.num_actions)

    def observation_space(self, params: Any = None) -> spaces.Box:
        """[cue, junction]."""
        low, high = jnp.array([-1.0, 0.0]), jnp.ones(2)
        return spaces.Box(low, high, (2,), jnp.float32)

    def render(self, state: TMazeState, params: TMazeParams) -> np.ndarray:
        """The maze as an RGB picture, [320, 320, 3] uint8. Needs matplotlib."""
        from envs.drawing import picture

        return picture.picture(lambda axes: _draw(axes, self, state))


def _uniform(key: Array, params: TMazeParams) -> Array:
    """[] int32: each length is as likely."""
    low, high = params.length_min, params.length_max + 1
    return jax.random.randint(key, (), low, high, jnp.int32)


def _log_uniform(key: Array, params: TMazeParams) -> Array:
    """[] int32: n with probability in proportion to log((n + 1) / n)."""
    low = jnp.log(jnp.asarray(params.length_min, jnp.float32))
    high = jnp.log(jnp.asarray(params.length_max, jnp.float32) + 1)
    drawn = jnp.exp(low + (high - low) * jax.random.uniform(key, (), jnp.float32))
    # Rounding may take the ends of the range a little too far.
    return jnp.clip(drawn.astype(jnp.int32), params.length_min, params.length_max)


_LAWS = {"uniform": _uniform, "log_uniform": _log_uniform}


def _draw(axes: Any, env: TMaze, state: TMazeState) -> None:
    """The goal faint, the agent red; the corridor as wide as the picture at any L."""
    from envs.drawing.picture import FAINT, INK, RED

    length, side = int(state.length), int(state.side)
    first = ORACLE if env.active else START
    place = {"ha": "center", "va": "center"}

    def at(cell: int) -> float:
        return (cell - first) / (length - first)

    for x, y in (([0, 1], [0, 0]), ([1, 1], [-0.5, 0.5])):
        axes.plot(x, y, color=FAINT, lw=14, solid_capstyle="round")
    # Left of an agent that looks along the corridor, to the right, is up.
    axes.text(1, -0.62 * side, "goal", color=FAINT, fontsize=11, **place)
    shown = "left" if side < 0 else "right"
    colour = RED if int(state.cue) else FAINT
    axes.text(0, 0.14, f"goal {shown}", color=colour, fontsize=11, ha="left")
    axes.text(0.5, -0.14, f"{length} to the junction", color=INK, fontsize=9, **place)
    axes.plot(at(int(state.position)), -0.5 * int(state.arm), "o", color=RED, ms=14)
    axes.set(xlim=(-0.1, 1.15), ylim=(-0.75, 0.75))


def make(config: TMazeConfig) -> tuple[TMaze, TMazeParams]:
    """Builds the environment and its parameters."""
    params = TMazeParams(
        length_min=config.length_min,
        length_max=config.length_max,
        max_steps_in_episode=config.step_limit,
    )
    return TMaze(config.active, config.length_law), params
