"""The suite's wrappers: what was done last and whether it is the start; the full state.

Both wrap `reset_env` and `step_env`, so auto-reset happens *around* them: the
observation that opens the next episode was built by their `reset_env` and knows nothing
of the old one, and `info["final_observation"]` was built by their `step_env`. Neither
needs a state of its own.
"""

from typing import Any

import jax.numpy as jnp
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract import auto_reset
from envs.popgym import base


class Wrapper(auto_reset.AutoReset):
    """Passes everything on to the environment inside it."""

    def __init__(self, env: Any):
        super().__init__()
        self.env = env

    def __getattr__(self, name: str):
        # Reached for what is not defined here: action_axes, markov_state, render ...
        if name == "env" or name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.env, name)

    @property
    def name(self) -> str:
        return self.env.name

    @property
    def reset_is_costly(self) -> bool:
        return getattr(self.env, "reset_is_costly", False)

    @property
    def num_actions(self) -> int:
        return self.env.num_actions

    @property
    def default_params(self) -> environment.EnvParams:
        return self.env.default_params

    def reset_env(self, key, params):
        obs, state = self.env.reset_env(key, params)
        return self._opened(obs, state, params), state

    def state_from(self, hidden, params):
        obs, state = self.env.state_from(hidden, params)
        return self._opened(obs, state, params), state

    def step_env(self, key, state, action, params) -> tuple:
        return self.env.step_env(key, state, action, params)

    def _opened(self, obs, state, params):
        """What an episode's first observation looks like from outside."""
        return obs

    def is_terminated(self, state, params):
        return self.env.is_terminated(state, params)

    def is_truncated(self, state, params):
        return self.env.is_truncated(state, params)

    def action_space(self, params=None):
        return self.env.action_space(params)

    def observation_space(self, params=None):
        return self.env.observation_space(params)

    def state_space(self, params=None):
        return self.env.state_space(params)


class PreviousAction(Wrapper):
    """Appends the previous action and a start flag to a flat observation.

    It stands for popgym's `Antialias(PreviousAction(env))`, which the paper's baselines
    use everywhere: [D + A + 2] float32. A is one one-hot per part of the action (8 + 8
    for an 8 x 8 board, not 64), or the vector of a Box as it was given, not clipped.
    The flag is a one-hot of 2: (0, 1) at a start, (1, 0) elsewhere. At a start the
    action is the null action: zero, which is why the flag is needed.
    """

    def _opened(self, obs, state, params):
        if self.action_axes:
            null = jnp.zeros((), jnp.int32)
        else:
            null = jnp.zeros(self.env.action_space(params).shape, jnp.float32)
        return self._append(obs, null, 1)

    def step_env(self, key, state, action, params) -> tuple:
        obs, *rest = self.env.step_env(key, state, action, params)
        return self._append(obs, action, 0), *rest

    def observation_space(self, params=None):
        action = self.env.action_space(params)
        if self.action_axes:
            action = spaces.Box(0.0, 1.0, (sum(self.action_axes),))
        flag = spaces.Box(0.0, 1.0, (2,))
        parts = (self.env.observation_space(params), action, flag)
        low, high = (
            jnp.concatenate([jnp.broadcast_to(bound, shape) for bound, shape in bounds])
            for bounds in (
                [(part.low, part.shape) for part in parts],
                [(part.high, part.shape) for part in parts],
            )
        )
        return spaces.Box(low, high, low.shape, jnp.float32)

    def _append(self, obs: Array, action: Array, flag: int) -> Array:
        if self.action_axes:
            parts = jnp.stack(jnp.unravel_index(jnp.asarray(action), self.action_axes))
            action = base.one_hots(parts, self.action_axes)
        action = jnp.asarray(action, jnp.float32).reshape(-1)
        return jnp.concatenate([obs, action, base.one_hots(jnp.asarray(flag), (2,))])


class Markovian(Wrapper):
    """Shows the hidden state, for oracles, privileged critics and debugging.

    Args:
      env: an environment of the suite, wrapped or not.
      observability: "full": the state instead of the observation. "full_and_partial":
        both, a dict with the keys "obs" and "state". "info": the observation as it is
        and the state in `info["state"]`; like `final_observation` it is what the step
        led to, before any auto-reset.
    """

    def __init__(self, env, observability: str = "full"):
        super().__init__(env)
        known = ("full", "full_and_partial", "info")
        if observability not in known:
            raise ValueError(
                f"observability must be one of {', '.join(known)}; "
                f"got {observability!r}."
            )
        self.observability = observability

    def _opened(self, obs, state, params):
        return self._shown(obs, self.env.markov_state(state, params))

    def step_env(self, key, state, action, params) -> tuple:
        obs, state, reward, terminated, info = self.env.step_env(
            key, state, action, params
        )
        markov = self.env.markov_state(state, params)
        if self.observability == "info":
            info = {**info, "state": markov}
        return self._shown(obs, markov), state, reward, terminated, info

    def observation_space(self, params=None):
        inner = self.env.observation_space(params)
        if self.observability == "info":
            return inner
        full = self.env.state_space(params)
        if self.observability == "full":
            return full
        return spaces.Dict({"obs": inner, "state": full})

    def _shown(self, obs, markov):
        if self.observability == "full":
            return markov
        if self.observability == "full_and_partial":
            return {"obs": obs, "state": markov}
        return obs
