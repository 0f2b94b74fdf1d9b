"""Random tabular MDPs: find out a small world, then act well in it.

- A trial is `max_steps_in_episode` steps, 10, from state 0; it ends by the clock,
  `truncated`. The reward of (s, a) is Normal(reward_mean[s, a], 1).
- Chance 10 on average (each reward has mean 1). Best: finite-horizon value iteration on
  the task's true MDP (`envs.meta.experts`), about 22 on average.
- Observation [S]: one-hot of the state. Action: one of A.
- Markov state [S + 1 + S A S + S A]: one-hot of the state, share of the trial that is
  over, and the hidden task: transition and reward means.

The law is that of RL^2 (Duan et al., 2016): S = 10, A = 5, rows of the transition from
a flat Dirichlet, reward means from Normal(1, 1).
"""

import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract.auto_reset import AutoReset
from envs.meta import planning, tasks


@struct.dataclass
class TabularMDPState(environment.EnvState):
    """Where the agent is."""

    time: Array  # [] int32
    state: Array  # [] int32


@struct.dataclass(kw_only=True)
class TabularMDPParams(environment.EnvParams):
    """The task."""

    transition: Array  # [S, A, S] float32, chance of the next state; rows sum to 1
    reward_mean: Array  # [S, A] float32


class Numbered(AutoReset):
    """Base of worlds of numbered states, begun in the first, ended by the clock alone.

    Args:
      num_states: S.
      num_actions: A.
    """

    def __init__(self, num_states: int, num_actions: int):
        super().__init__()
        self.num_states = num_states
        self._num_actions = num_actions

    def reset_env(self, key, params):
        zero = jnp.zeros((), jnp.int32)
        state = TabularMDPState(time=zero, state=zero)
        return self._observe(state), state

    def is_terminated(self, state, params):
        return jnp.zeros((), bool)

    @property
    def table_size(self) -> int:
        """States."""
        return self.num_states

    def table_row(self, state: TabularMDPState, params: Any) -> Array:
        """[] int32, the state."""
        return state.state

    def _observe(self, state: TabularMDPState) -> Array:
        return jax.nn.one_hot(state.state, self.num_states, dtype=jnp.float32)

    def observation_space(self, params: Any = None) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (self.num_states,), jnp.float32)

    def action_space(self, params: Any = None) -> spaces.Discrete:
        return spaces.Discrete(self._num_actions)

    @property
    def num_actions(self) -> int:
        return self._num_actions

    def render(self, state: TabularMDPState, params: Any):
        """The hidden table as an RGB picture, [height, width, 3] uint8."""
        from envs.meta import render

        return render.render(self, state, params)


class TabularMDP(Numbered):
    """Collect reward in an unknown MDP. See `Numbered` for the arguments."""

    def __init__(self, num_states: int = 10, num_actions: int = 5):
        super().__init__(num_states, num_actions)

    @property
    def default_params(self) -> TabularMDPParams:
        """The mean of the training law; a task distribution draws others."""
        s, a = self.num_states, self._num_actions
        return TabularMDPParams(
            max_steps_in_episode=10,
            transition=jnp.full((s, a, s), 1 / s, jnp.float32),
            reward_mean=jnp.ones((s, a), jnp.float32),
        )

    def step_env(self, key, state, action, params):
        reward_key, next_key = jax.random.split(key)
        noise = jax.random.normal(reward_key, dtype=jnp.float32)
        reward = params.reward_mean[state.state, action] + noise
        chances = jnp.log(params.transition[state.state, action])
        state = state.replace(
            time=state.time + 1,
            state=jax.random.categorical(next_key, chances).astype(jnp.int32),
        )
        terminated = self.is_terminated(state, params)
        return self._observe(state), state, reward, terminated, {}

    def best_actions(self, state: TabularMDPState, params: TabularMDPParams) -> Array:
        """[A] bool: of the highest sum of expected rewards in the steps that are left.

        Value iteration over those steps, undiscounted, anew at each call.
        """
        left = params.max_steps_in_episode - state.time
        value = planning.action_values(params.transition, params.reward_mean, left)
        return value[state.state] == value[state.state].max()

    def markov_state(self, state: TabularMDPState, params: TabularMDPParams) -> Array:
        """[S + 1 + S A S + S A] float32: see the module."""
        clock = jnp.float32(state.time / params.max_steps_in_episode)
        hidden = (params.transition.reshape(-1), params.reward_mean.reshape(-1))
        return jnp.concatenate([self._observe(state), clock[None], *hidden])


@dataclass(frozen=True)
class TabularMDPTasks:
    """MDPs drawn row by row; what the splits mean is in `draw`."""

    num_states: int = 10
    num_actions: int = 5
    shifted_concentration: float = 0.1  # of the Dirichlet; 1 in training
    shifted_reward_scale: float = 2.0  # of the reward means; 1 in training

    def __post_init__(self):
        for name in ("shifted_concentration", "shifted_reward_scale"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive; got {getattr(self, name)}.")

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """One task.

        `train` and `held_out`: rows from Dirichlet(1, ..., 1), means from Normal(1, 1);
        disjoint by their keys. `shifted`: Dirichlet(0.1, ..., 0.1), nearly
        deterministic worlds in which a plan pays, and means from Normal(1, 2).

        Args:
          key: consumed.
          split: static, one of `tasks.SPLITS`.

        Returns:
          `transition` [S, A, S] and `reward_mean` [S, A], float32.
        """
        tasks.check_split(split)
        shifted = split == tasks.SHIFTED
        concentration = self.shifted_concentration if shifted else 1.0
        scale = self.shifted_reward_scale if shifted else 1.0
        rows_key, means_key = jax.random.split(key)
        table = (self.num_states, self.num_actions)
        shape = (*table, self.num_states)
        return {
            "transition": _simplex(rows_key, concentration, shape),
            "reward_mean": 1 + scale * _flat(jax.random.normal, means_key, table),
        }


def _simplex(key: Array, concentration: float, shape: tuple[int, ...]) -> Array:
    """Rows over the last axis from a symmetric Dirichlet. `key` is consumed."""
    if concentration != 1:
        alpha = jnp.full(shape[-1:], concentration, jnp.float32)
        return jax.random.dirichlet(key, alpha, shape[:-1], jnp.float32)
    # The same law as normalised exponentials: gamma draws by rejection were most of
    # what a step of the environment cost.
    weights = _flat(jax.random.exponential, key, shape)
    return weights / weights.sum(-1, keepdims=True)


def _flat(draw: Any, key: Array, shape: tuple[int, ...]) -> Array:
    """`draw(key, shape)`, number for number, at a fifth of the price on a CPU."""
    return draw(key, (math.prod(shape),), jnp.float32).reshape(shape)
