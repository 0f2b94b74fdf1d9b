"""Wrappers over the gymnax 1.x contract, and what is under them.

None keeps any state of its own.
"""

from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import spaces
from jax import Array

from envs.contract.spaces import flat_size, flatten, is_vector


def innermost(env: Any) -> Any:
    """The environment under all wrappers."""
    while "env" in vars(env):
        env = env.env
    return env


def name_of(env: Any) -> str:
    """What an environment is called in messages; its class, if it has no name."""
    return str(getattr(env, "name", type(env).__name__))


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

    An observation with a shape worth keeping (an image, a grid, a dict) stays as it is:
    then it is a dict of "obs" and "history" [A + 2].
    """

    def observation_space(self, params: Any) -> spaces.Space:
        """Box [D + A + 2], or a Dict; unbounded, for rewards are."""
        inner = self.env.observation_space(params)
        size = flat_size(self.env.action_space(params)) + 2
        if is_vector(inner):
            size += flat_size(inner)
        box = spaces.Box(-jnp.inf, jnp.inf, (size,), jnp.float32)
        return box if is_vector(inner) else spaces.Dict({"obs": inner, "history": box})

    def reset(self, key: Array, params: Any) -> tuple[Any, Any]:
        obs, state = self.env.reset(key, params)
        return self._at_start(obs, params), state

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        obs, state, reward, terminated, truncated, info = self.env.step(
            key, state, action, params
        )
        action = flatten(self.env.action_space(params), action)
        history = _history(action, reward, start=False)
        final = self._append(info["final_observation"], history, params)
        obs = jax.tree.map(
            lambda opened, going_on: jnp.where(
                terminated | truncated, opened, going_on
            ),
            self._at_start(obs, params),
            self._append(obs, history, params),
        )
        info = {**info, "final_observation": final}
        return obs, state, reward, terminated, truncated, info

    def _at_start(self, obs: Any, params: Any) -> Any:
        size = flat_size(self.env.action_space(params))
        action = jnp.zeros(size, jnp.float32)
        return self._append(obs, _history(action, 0.0, start=True), params)

    def _append(self, obs: Any, history: Array, params: Any) -> Any:
        space = self.env.observation_space(params)
        if not is_vector(space):
            return {"obs": obs, "history": history}
        obs = jax.lax.stop_gradient(flatten(space, obs))
        return jnp.concatenate([obs, history])


def _history(action: Array, reward: Any, *, start: bool) -> Array:
    """[A + 2] previous action, previous reward, start flag."""
    tail = jnp.array([reward, start], jnp.float32)
    return jax.lax.stop_gradient(jnp.concatenate([action, tail]))


class Privileged(Wrapper):
    """Shows the Markov state beside the observation, for critics that may see it.

    Observation: a dict of "obs", what the environment shows, and "state" [M] float32,
    its `markov_state(state, params)`. `final_observation` holds the state that the
    action really led to, as the environment gives it in `info["final_markov_state"]`
    (`envs.contract.auto_reset.AutoReset` does, for every environment with a
    `markov_state`).

    Raises:
      ValueError: if the environment has no Markov state to show.
    """

    def __init__(self, env: Any):
        super().__init__(env)
        if not hasattr(env, "markov_state"):
            raise ValueError(
                "a privileged critic needs an environment with markov_state(state, "
                "params), as memory_chain and popgym_... have; "
                f"{name_of(env)} has none."
            )

    def observation_space(self, params: Any) -> spaces.Dict:
        """Dict of "obs" and "state"."""
        _, state = jax.eval_shape(self.env.reset, jax.random.key(0), params)
        markov = jax.eval_shape(self.env.markov_state, state, params)
        box = spaces.Box(-jnp.inf, jnp.inf, markov.shape, jnp.float32)
        return spaces.Dict({"obs": self.env.observation_space(params), "state": box})

    def reset(self, key: Array, params: Any) -> tuple[Any, Any]:
        obs, state = self.env.reset(key, params)
        return {"obs": obs, "state": self.env.markov_state(state, params)}, state

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        obs, state, reward, terminated, truncated, info = self.env.step(
            key, state, action, params
        )
        final = {
            "obs": info["final_observation"],
            "state": info["final_markov_state"],
        }
        obs = {"obs": obs, "state": self.env.markov_state(state, params)}
        info = {**info, "final_observation": final}
        return obs, state, reward, terminated, truncated, info
