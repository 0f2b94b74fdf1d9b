"""Bernoulli bandit: explore, then exploit, arms with rates of their own.

- A trial is one pull. Reward 1 if the arm pays, else 0; arm a pays at `probs[a]`.
- Chance: the mean of the rates, 1/2 on average. Best: the largest, K / (K + 1) on
  average over uniform rates, 0.909 for 10 arms.
- Observation [1]: 0, always. What there is to see is the previous action and reward.
- Action: an arm. Ends by the clock, `truncated`, after `max_steps_in_episode` pulls, 1.
- Markov state [K]: the rates, which are the hidden task.

The 10-armed bandit with rates uniform in [0, 1] is that of RL^2 (Duan et al., 2016).
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract.auto_reset import AutoReset
from envs.meta import tasks


@struct.dataclass
class BanditState(environment.EnvState):
    """All that changes: the clock."""

    time: Array  # [] int32


@struct.dataclass(kw_only=True)
class BanditParams(environment.EnvParams):
    """The task."""

    probs: Array  # [K] float32, how often each arm pays


class Bandit(AutoReset):
    """Find the arm that pays best.

    Args:
      num_arms: K.
    """

    def __init__(self, num_arms: int = 10):
        super().__init__()
        self.num_arms = num_arms
        self.action_names = tuple(f"arm {arm}" for arm in range(num_arms))

    @property
    def default_params(self) -> BanditParams:
        """Rates spread evenly; a task distribution draws others."""
        probs = (jnp.arange(self.num_arms, dtype=jnp.float32) + 0.5) / self.num_arms
        return BanditParams(max_steps_in_episode=1, probs=probs)

    def reset_env(self, key, params):
        return jnp.zeros((1,), jnp.float32), BanditState(time=jnp.zeros((), jnp.int32))

    def step_env(self, key, state, action, params):
        paid = jax.random.bernoulli(key, params.probs[action]).astype(jnp.float32)
        state = state.replace(time=state.time + 1)
        terminated = self.is_terminated(state, params)
        return jnp.zeros((1,), jnp.float32), state, paid, terminated, {}

    def is_terminated(self, state, params):
        return jnp.zeros((), bool)

    def markov_state(self, state: BanditState, params: BanditParams) -> Array:
        """[K] float32, the rates."""
        return params.probs

    @property
    def table_size(self) -> int:
        """One state."""
        return 1

    def table_row(self, state: BanditState, params: BanditParams) -> Array:
        """[] int32, 0."""
        return jnp.zeros((), jnp.int32)

    def best_actions(self, state: BanditState, params: BanditParams) -> Array:
        """[K] bool, the arms that pay most often."""
        return params.probs == params.probs.max()

    def observation_space(self, params: Any = None) -> spaces.Box:
        return spaces.Box(0.0, 1.0, (1,), jnp.float32)

    def action_space(self, params: Any = None) -> spaces.Discrete:
        return spaces.Discrete(self.num_arms)

    @property
    def num_actions(self) -> int:
        return self.num_arms

    def render(self, state: BanditState, params: BanditParams, past: Any = ()):
        """Rates and pulls as an RGB picture, [height, width, 3]. Needs matplotlib.

        `past` is `(arm, reward)` of every pull so far, which no state tells.
        """
        from envs.meta import render

        return render.render(self, state, params, past)


@dataclass(frozen=True)
class BanditTasks:
    """Rates drawn independently; what the splits mean is in `draw`."""

    num_arms: int = 10
    shifted_high: float = tasks.SHIFTED_RATE  # shifted rates are uniform below this

    def __post_init__(self):
        if not 0 < self.shifted_high <= 1:
            raise ValueError(
                f"shifted_high must be in (0, 1], as a rate is; got "
                f"{self.shifted_high}."
            )

    def draw(self, key: Array, split: str) -> dict[str, Array]:
        """One task.

        `train` and `held_out`: rates uniform in [0, 1]; disjoint by their keys.
        `shifted`: uniform in [0, shifted_high]. A rate that was worth leaving in
        training is the best there is, so a fixed idea of a good arm fails.

        Args:
          key: consumed.
          split: static, one of `tasks.SPLITS`.

        Returns:
          `probs` [K] float32.
        """
        tasks.check_split(split)
        high = self.shifted_high if split == tasks.SHIFTED else 1.0
        return {
            "probs": jax.random.uniform(key, (self.num_arms,), jnp.float32, maxval=high)
        }
