"""Simulated bodies: what the environments of Brax and of MuJoCo Playground share.

Both suites have `reset(key) -> state` and `step(state, action) -> state`, where a state
holds `obs`, `reward` and `done`; neither draws anything in a step, so `step` does not
use its key. `done` is the task's own end: a body that fell, or nothing at all. Time
is kept here.

An action is held for `action_repeat` steps of the suite and their rewards are summed,
but not beyond a `done`, where the suites' own wrapper goes on summing. The limit counts
actions, so that by default an episode has the suite's length whatever the repeat.

A simulation can blow up. Where an observation or a reward is not finite, the episode is
terminated and the numbers concerned are zero: one NaN would end a training run.
"""

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from gymnax.environments import environment, spaces
from jax import Array

from envs.suites.adapter import Adapter

EnvParams = environment.EnvParams


class Physics(Adapter):
    """A body in gymnax's contract. Observation [D] float32, action [A] in [-1, 1]."""

    def __init__(
        self, bare: Any, name: str, default_params: EnvParams, *, action_repeat: int
    ):
        super().__init__(bare, name, default_params)
        self.action_repeat = action_repeat
        self._form = jax.eval_shape(bare.reset, jax.random.key(0))

    def begin(self, key: Array, params: EnvParams) -> tuple[Array, Any]:
        state = self.bare.reset(key)
        return state.obs, _without_empty(state)

    def advance(
        self, key: Array, inner: Any, action: Array, params: EnvParams
    ) -> tuple[Array, Any, Array, Array, Array]:
        state, reward = self._act(self._with_empty(inner), action)
        sound = jnp.isfinite(state.obs).all() & jnp.isfinite(reward)
        terminated = (state.done > 0) | ~sound
        obs = jnp.where(jnp.isfinite(state.obs), state.obs, 0.0)
        reward = jnp.where(jnp.isfinite(reward), reward, 0.0)
        inner = _without_empty(state)
        return obs, inner, reward, terminated, jnp.zeros((), bool)

    def get_obs(self, state: Any, params: Any = None, key: Any = None) -> Array:
        """[D] float32, what is shown of a state."""
        return jnp.where(jnp.isfinite(state.inner.obs), state.inner.obs, 0.0)

    def _act(self, state: Any, action: Array) -> tuple[Any, Array]:
        """Holds an action, up to a `done`: `(state, sum of rewards)`."""
        if self.action_repeat == 1:
            state = self._step(state, action)
            return state, state.reward

        def again(carry, _):
            state, total = carry
            ended = state.done > 0
            after = self._step(state, action)
            total = total + jnp.where(ended, 0.0, after.reward)
            kept = jax.tree.map(partial(jax.lax.select, ended), state, after)
            return (kept, total), None

        start = state.replace(done=jnp.zeros_like(state.done)), jnp.zeros(())
        return jax.lax.scan(again, start, length=self.action_repeat)[0]

    def _step(self, state: Any, action: Array) -> Any:
        # The suites write into the dicts of the state that they are given, and leave
        # Python's numbers in the one they return.
        after = self.bare.step(jax.tree.map(lambda x: x, state), action)
        return jax.tree.map(lambda x, old: jnp.asarray(x, old.dtype), after, state)

    def _with_empty(self, inner: Any) -> Any:
        def fill(form, x):
            return jnp.zeros(form.shape, form.dtype) if x is None else x

        return jax.tree.map(fill, self._form, inner)

    def observation_space(self, params: EnvParams) -> spaces.Box:
        """Box [D], without bounds: speeds have none."""
        return spaces.Box(-jnp.inf, jnp.inf, self._form.obs.shape, jnp.float32)

    def action_space(self, params: EnvParams) -> spaces.Box:
        """Box [A] in [-1, 1], which both suites scale to what a motor can do."""
        return spaces.Box(-1.0, 1.0, (self.bare.action_size,), jnp.float32)


def _without_empty(state: Any) -> Any:
    # MuJoCo's state is full of arrays without elements, which no checkpoint can hold.
    return jax.tree.map(lambda x: x if x.size else None, state)


def build(
    bare: Any, name: str, chosen: dict[str, Any], episode_length: int
) -> tuple[Physics, EnvParams]:
    """The environment and its parameters, from what was chosen by name.

    Args:
      bare: the suite's environment, without any wrapper.
      name: ours.
      chosen: holds action_repeat, and max_steps_in_episode or None.
      episode_length: the suite's, in its own steps.

    Raises:
      ValueError: if an action is to be held for no step.
    """
    repeat = chosen["action_repeat"]
    if repeat < 1:
        raise ValueError(f"{name}: action_repeat must be positive; got {repeat}.")
    limit = chosen["max_steps_in_episode"] or math.ceil(episode_length / repeat)
    params = EnvParams(max_steps_in_episode=limit)
    return Physics(bare, name, params, action_repeat=repeat), params
