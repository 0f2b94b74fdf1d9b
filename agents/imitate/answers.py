"""What the expert would do: asked before each step, and compared with.

Of discrete actions an answer is all that are best, [..., A] bool: each counts as much.
Of a Box it is one action, [..., D]. Its weight is 0 where there is nothing to learn:
where all actions are as good, where none is best, where the action is not finite.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from gymnax.environments import spaces
from jax import Array

from agents.acting.distributions import ActionHead
from envs.contract import expert
from envs.contract.wrappers import name_of

NEAR = 0.1  # of a Box's width: actions no further from the answer agree with it


class Answer(NamedTuple):
    """Of B environments."""

    action: Array  # [B, ...] as the module says
    weight: Array  # [B] float32, 0 or 1
    known: Array  # [B] bool, there is one, and it could be played


class Answers(Protocol):
    """How the expert is asked, and what is made of what it says."""

    def ask(self, env_state: Any, env_params: Any) -> Answer: ...
    def draw(self, action: Array, key: Array) -> Array:
        """[B, ...] an action as it is stored, by the law that is imitated."""
        ...

    def cost(self, distribution: Any, action: Array) -> Array:
        """[...] cross entropy of a distribution."""
        ...

    def agrees(self, stored: Array, action: Array) -> Array:
        """[...] float32, whether actions as they are stored are what it says."""
        ...


def answers(env: Any, head: ActionHead, space: Any) -> Answers:
    """How the expert of an environment is asked.

    Raises:
      ValueError: if it has none.
    """
    best, act = expert.best_actions(env), expert.expert(env)
    if act is None:
        name = name_of(env)
        raise ValueError(
            f"agent=imitate learns from an expert that knows the task; {name} has "
            "neither best_actions nor expert_action."
        )
    if not isinstance(space, spaces.Discrete):
        return Points(head, act)
    if best is None:
        best = partial(_only, act=act, count=int(space.n))
    return Choices(best)


def _only(state: Any, params: Any, *, act: expert.Expert, count: int) -> Array:
    return expert.only(act(state, params), count)


@dataclass(frozen=True)
class Choices:
    """Of discrete actions; `best` as `envs.contract.expert` has it."""

    best: Callable[[Any, Any], Array]

    def ask(self, env_state: Any, env_params: Any) -> Answer:
        best = jax.vmap(self.best, (0, None))(env_state, env_params)
        known = best.any(-1)
        return Answer(best, (known & ~best.all(-1)).astype(jnp.float32), known)

    def draw(self, action: Array, key: Array) -> Array:
        likely = jnp.where(action, 0.0, -jnp.inf)
        return jax.random.categorical(key, likely).astype(jnp.int32)

    def cost(self, distribution: Any, action: Array) -> Array:
        return distribution.cross_entropy(action)

    def agrees(self, stored: Array, action: Array) -> Array:
        found = jnp.take_along_axis(action, stored[..., None], axis=-1)
        return found[..., 0].astype(jnp.float32)


@dataclass(frozen=True)
class Points:
    """Of a Box; `act` gives one action. Entries agree one by one."""

    head: Any
    act: Callable[[Any, Any], Array]

    def ask(self, env_state: Any, env_params: Any) -> Answer:
        action = jax.vmap(self.act, (0, None))(env_state, env_params)
        known = jnp.isfinite(action).all(-1)
        action = jnp.where(known[..., None], action, 0).astype(jnp.float32)
        return Answer(action, known.astype(jnp.float32), known)

    def draw(self, action: Array, key: Array) -> Array:
        return self.head.stored(self.head.place(action), key)

    def cost(self, distribution: Any, action: Array) -> Array:
        return distribution.cross_entropy(self.head.place(action))

    def agrees(self, stored: Array, action: Array) -> Array:
        width = np.array(self.head.high, np.float32) - np.array(self.head.low)
        width = np.where(np.isfinite(width), width, 2).astype(np.float32)
        far = NEAR * width.reshape(*(1,) * (action.ndim - 1), -1)
        near = jnp.abs(self.head.to_env(stored) - action) <= far
        return near.mean(-1, dtype=jnp.float32)
