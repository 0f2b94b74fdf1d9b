"""Our environments for Gymnasium's users: `envs.to_gymnasium(name)`."""

from operator import itemgetter
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envs.outside import spaces

# Of `info`, what Gymnasium says otherwise.
_OWN = ("final_observation", "final_markov_state", "terminated", "truncated")


class One(gymnasium.Env):
    """One environment. `step` and `reset` are compiled; the seed decides everything."""

    metadata = {"render_modes": []}  # noqa: RUF012 - as Gymnasium has it

    def __init__(self, env: Any, params: Any):
        """Takes an environment in the gymnax 1.x contract, with its params."""
        self.observation_space = spaces.shown(env.observation_space(params))
        self.action_space = spaces.shown(env.action_space(params))
        self.render_mode = None
        self._shows = env.observation_space(params)
        self._reset = jax.jit(lambda key: env.reset(key, params))
        self._step = jax.jit(lambda *now: _stepped(env, params, *now))
        self._key: Any = None
        self._state: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """A new episode."""
        super().reset(seed=seed)
        key = jax.random.key(int(self.np_random.integers(2**32)))
        self._key, first = jax.random.split(key)
        obs, self._state = self._reset(first)
        return spaces.element(self._shows, obs), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step; what it led to is given, whether or not an episode ends there.

        Raises:
          RuntimeError: if no episode goes on.
        """
        if self._state is None:
            raise RuntimeError("an episode begins with reset(); none goes on.")
        self._key, self._state, reward, terminated, truncated, info = self._step(
            self._key, self._state, jnp.asarray(action)
        )
        obs = spaces.element(self._shows, info["final_observation"])
        if terminated or truncated:
            self._state = None
        told = jax.tree.map(np.asarray, _told(info))
        return obs, float(reward), bool(terminated), bool(truncated), told


class Many(VectorEnv):
    """B environments side by side, in one program; they reset in the step that ends.

    As Gymnasium's SAME_STEP: `infos["final_obs"]` holds what the action led to where
    `infos["_final_obs"]`.
    """

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}  # noqa: RUF012

    def __init__(self, env: Any, params: Any, num_envs: int):
        """Takes an environment in the gymnax 1.x contract, its params and B."""
        self.num_envs, self.render_mode = num_envs, None
        self._shows = env.observation_space(params)
        self.single_observation_space = spaces.shown(self._shows)
        self.single_action_space = spaces.shown(env.action_space(params))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        reset = jax.vmap(lambda key: env.reset(key, params))
        self._reset = jax.jit(lambda key: reset(jax.random.split(key, num_envs)))

        def step(keys, state, action):
            return _stepped(env, params, keys, state, action, obs=True)

        self._step = jax.jit(jax.vmap(step))
        self._keys: Any = None
        self._state: Any = None

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """New episodes, of one seed for all.

        Raises:
          ValueError: if a seed of each is given.
        """
        if seed is not None and not isinstance(seed, int | np.integer):
            raise ValueError(f"one seed decides for all environments; got {seed!r}.")
        super().reset(seed=None if seed is None else int(seed))
        key = jax.random.key(int(self.np_random.integers(2**32)))
        first, rest = jax.random.split(key)
        self._keys = jax.random.split(rest, self.num_envs)
        obs, self._state = self._reset(first)
        return spaces.element(self._shows, obs), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """A step of each."""
        self._keys, self._state, reward, terminated, truncated, info, obs = self._step(
            self._keys, self._state, jnp.asarray(actions)
        )
        terminated, truncated = np.asarray(terminated), np.asarray(truncated)
        ended, infos = terminated | truncated, {}
        for name, value in _told(info).items():
            infos[name] = np.asarray(value)
            infos[f"_{name}"] = np.ones(self.num_envs, bool)
        if ended.any():
            last = spaces.element(self._shows, info["final_observation"])
            final = np.full(self.num_envs, None, dtype=object)
            for lane in np.flatnonzero(ended):
                final[lane] = jax.tree.map(itemgetter(lane), last)
            infos |= {"final_obs": final, "_final_obs": ended}
        reward = np.asarray(reward, np.float64)
        return spaces.element(self._shows, obs), reward, terminated, truncated, infos


def _stepped(env: Any, params: Any, key: Any, state: Any, action: Any, obs=False):
    key, own = jax.random.split(key)
    seen, state, reward, terminated, truncated, info = env.step(
        own, state, action, params
    )
    stepped = key, state, reward, terminated, truncated, info
    return (*stepped, seen) if obs else stepped


def _told(info: dict[str, Any]) -> dict[str, Any]:
    """Arrays of `info`; an environment may put more there, for other uses."""
    return {
        name: value
        for name, value in info.items()
        if name not in _OWN and isinstance(value, jax.Array)
    }
