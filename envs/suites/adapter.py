"""What the adapters of other suites share: gymnax's contract around two functions.

A suite's own auto-reset is never used: it loses the last observation (Brax's wrapper
does, as do those made after it). An adapter calls the bare environment instead, tells
`terminated` and `truncated` apart there, and leaves the rest to
`envs.contract.auto_reset`.
"""

from typing import Any

import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment
from jax import Array

from envs.contract.auto_reset import AutoReset


@struct.dataclass
class AdapterState(environment.EnvState):
    """The suite's own state, and what the contract wants to know of it."""

    time: Array  # [] int32, steps since the reset
    inner: Any  # the suite's
    cut: Array  # [] bool, the suite itself says that time has run out


class Adapter(AutoReset):
    """An environment of another suite; subclasses give `begin` and `advance`.

    Args:
      bare: the suite's environment, without any wrapper that resets.
      name: ours.
      default_params: what `step` and `reset` are told where the caller says nothing.
    """

    reset_is_costly = True

    def __init__(self, bare: Any, name: str, default_params: Any):
        self.bare = bare
        self._name = name
        self._default_params = default_params

    @property
    def name(self) -> str:
        return self._name

    @property
    def default_params(self) -> Any:
        return self._default_params

    def begin(self, key: Array, params: Any) -> tuple[Any, Any]:
        """A new episode: `(obs, inner)`. `key` is consumed."""
        raise NotImplementedError

    def advance(
        self, key: Array, inner: Any, action: Any, params: Any
    ) -> tuple[Any, Any, Array, Array, Array]:
        """One step without auto-reset: `(obs, inner, reward, terminated, cut)`.

        `cut` is the suite's own time limit, False where it has none;
        `params.max_steps_in_episode` counts besides. `key` is consumed.
        """
        raise NotImplementedError

    def reset_env(self, key, params):
        obs, inner = self.begin(key, params)
        time = jnp.zeros((), jnp.int32)
        return obs, AdapterState(time=time, inner=inner, cut=jnp.zeros((), bool))

    def step_env(self, key, state, action, params):
        obs, inner, reward, terminated, cut = self.advance(
            key, state.inner, action, params
        )
        state = AdapterState(
            time=state.time + 1, inner=inner, cut=jnp.asarray(cut, bool)
        )
        reward = jnp.asarray(reward, jnp.float32)
        return obs, state, reward, jnp.asarray(terminated, bool), {}

    def is_truncated(self, state, params):
        return state.cut | (state.time >= params.max_steps_in_episode)
