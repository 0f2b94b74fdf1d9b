"""Wrappers over the gymnax 1.x contract. Neither keeps any state of its own."""

from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import spaces
from jax import Array

from envs.spaces import flat_size, flatten


class Wrapper:
    """Passes everything on to the environment inside."""

    def __init__(self, env: Any):
        self.env = env

    def __getattr__(self, name: str) -> Any:
        return getattr(self.env, name)

    def reset(self, key: Array, params: Any) -> tuple[Any, Any]:
        return self.env.reset(key, params)

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        return self.env.step(key, state, action, params)


class History(Wrapper):
    """Appends previous action, previous reward and start flag (Duan et al., 2016).

    Observation [D + A + 2], float32: the flattened observation, the previous action
    (one-hot, or as it is), the previous reward, and 1 where an episode starts. At a
    start, be it a reset's or an automatic one's, action and reward are zero: nothing of
    the last episode is seen. `final_observation` carries the true last action.
    """

    def observation_space(self, params: Any) -> spaces.Box:
        """Box [D + A + 2]; unbounded, for rewards are."""
        size = flat_size(self.env.observation_space(params))
        size += flat_size(self.env.action_space(params)) + 2
        return spaces.Box(-jnp.inf, jnp.inf, (size,), jnp.float32)

    def reset(self, key: Array, params: Any) -> tuple[Array, Any]:
        obs, state = self.env.reset(key, params)
        return self._at_start(obs, params), state

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        obs, state, reward, terminated, truncated, info = self.env.step(
            key, state, action, params
        )
        action = flatten(self.env.action_space(params), action)
        final = self._append(
            info["final_observation"], action, reward, start=False, params=params
        )
        obs = jnp.where(terminated | truncated, self._at_start(obs, params), final)
        info = {**info, "final_observation": final}
        return obs, state, reward, terminated, truncated, info

    def _at_start(self, obs: Any, params: Any) -> Array:
        action = jnp.zeros(flat_size(self.env.action_space(params)))
        return self._append(obs, action, 0.0, start=True, params=params)

    def _append(self, obs, action, reward, *, start: bool, params) -> Array:
        obs = flatten(self.env.observation_space(params), obs)
        tail = jnp.array([reward, start], jnp.float32)
        return jax.lax.stop_gradient(jnp.concatenate([obs, action, tail]))
