"""What the control bodies share: the seams, the clock, clipped actions.

A body is four functions; this class turns them into the gymnax contract:

    state  = start(key, params)                    DM Control's initial distribution
    state  = advance(state, action, params)        one control step of the physics
    obs    = get_obs(state, params)                float32 [D], in DM Control's order
    reward = reward(state, action, params)         of the state reached, in [0, 1]

`start` alone draws; physics is deterministic. So a start can be kept and used again,
or replaced with `state.replace(position=..., velocity=...)`. Every physical constant is
a field of `params`, a number or an array, and may differ from episode to episode or,
under `vmap`, from environment to environment.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from flax import struct
from gymnax.environments import environment, spaces
from jax import Array

from envs.contract import auto_reset


@struct.dataclass
class Params(environment.EnvParams):
    """What every body has; SI units and radians throughout."""

    max_steps_in_episode: int = 1000


@struct.dataclass
class State(environment.EnvState):
    """A mechanical system of n coordinates."""

    time: Array  # [] int32, control steps taken
    position: Array  # [n] generalised coordinates
    velocity: Array  # [n] their change per second


class ControlEnvironment(auto_reset.AutoReset):
    """Base of the bodies; see the module docstring for what each has to define."""

    action_size = 1
    observation_size: int
    # Groups of fields of `params`; a meta-environment scales each by its own factor.
    constants: tuple[tuple[str, ...], ...] = ()
    # All episodes of a batch end in the same step, once in a thousand.
    reset_is_costly = True
    ends_together = True

    def start(self, key: Array, params: Any) -> Any:
        """Draws the state in which an episode opens. `key` is consumed."""
        raise NotImplementedError

    def advance(self, state: Any, action: Array, params: Any) -> Any:
        """One control step, the clock apart; `action` [A] lies in [-1, 1]."""
        raise NotImplementedError

    def get_obs(self, state: Any, params: Any = None, key: Any = None) -> Array:
        """What the agent sees of a state, [D]."""
        raise NotImplementedError

    def reward(self, state: Any, action: Array, params: Any) -> Array:
        """Reward [], in [0, 1], for having reached `state` with `action` [A]."""
        raise NotImplementedError

    def reset_env(self, key: Array, params: Any) -> tuple[Array, Any]:
        state = self.start(key, params)
        return self.get_obs(state, params), state

    def step_env(
        self, key: Array, state: Any, action: Any, params: Any
    ) -> tuple[Array, Any, Array, Array, dict]:
        action = jnp.asarray(action, jnp.float32).reshape(self.action_size)
        action = jnp.clip(action, -1.0, 1.0)
        state = self.advance(state, action, params).replace(time=state.time + 1)
        return (
            self.get_obs(state, params),
            state,
            self.reward(state, action, params),
            self.is_terminated(state, params),
            {},
        )

    def is_terminated(self, state: Any, params: Any) -> Array:
        return jnp.zeros((), bool)

    def is_truncated(self, state: Any, params: Any) -> Array:
        return jnp.asarray(state.time >= params.max_steps_in_episode)

    def render(self, state: Any, params: Any = None):
        """The state as an RGB picture, [height, width, 3] uint8. Needs matplotlib."""
        from envs.control import render

        return render.render(self, state, params or self.default_params)

    @property
    def num_actions(self) -> int:
        return self.action_size

    def action_space(self, params: Any = None) -> spaces.Box:
        return spaces.Box(-1.0, 1.0, (self.action_size,), jnp.float32)

    def observation_space(self, params: Any = None) -> spaces.Box:
        return spaces.Box(-jnp.inf, jnp.inf, (self.observation_size,), jnp.float32)


def no_time() -> Array:
    """The clock at the start, [] int32: a strong type, so no step changes it."""
    return jnp.zeros((), jnp.int32)


def at_rest(position: Array) -> State:
    """A start at `position` [n], with nothing moving."""
    return State(time=no_time(), position=position, velocity=jnp.zeros_like(position))


def moved(
    method: Callable, acceleration: Callable, state: Any, action: Array, params: Any
) -> Any:
    """The state one time step later, but for the clock.

    Args:
      method: one of `integrate`.
      acceleration: `(position, velocity, action, params) -> [n]`.
      state: a `State`.
      action: as `acceleration` takes it.
      params: with a `timestep`, s.
    """

    def accelerate(position, velocity):
        return acceleration(position, velocity, action, params)

    position, velocity = method(
        accelerate, state.position, state.velocity, params.timestep
    )
    return state.replace(position=position, velocity=velocity)
