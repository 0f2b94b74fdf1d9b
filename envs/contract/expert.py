"""Play that knows what is hidden: asked of an environment, through all its wrappers.

An environment whose best play can be computed says so in a method beside its physics:

    best_actions(state, params) -> [A] bool     Discrete: some actions, all of them best
    expert_action(state, params) -> [A]         Box: one that is

Nothing is drawn and nothing is observed: `state` holds the hidden task, the order of a
deck, the mines. No best action is false in every entry; where all are as good (in a
step that pays nothing whatever is done), all are true. Of several, `expert` takes the
first.

Wrappers keep their environment's states, so they pass both methods on; one that changes
the actions (`envs.meta.wrapper`) changes the answer with them.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

from envs.contract.wrappers import Wrapper

Expert = Callable[[Any, Any], Array]


def expert(env: Any) -> Expert | None:
    """`(state, params) -> action`, for `jit` and `vmap`; None where there is none.

    Args:
      env: in the gymnax 1.x contract, wrapped or bare. Its states and params are what
        the function wants: read them before a step, whose automatic reset draws anew.
    """
    own = getattr(env, "expert_action", None)
    best = best_actions(env)
    if own is not None or best is None:
        return own
    return lambda state, params: jnp.argmax(best(state, params)).astype(jnp.int32)


def best_actions(env: Any) -> Expert | None:
    """`(state, params) -> [A] bool`, all ties; None where there is no such function."""
    return getattr(env, "best_actions", None)


def only(action: Array, count: int, where: Any = True) -> Array:
    """[count] bool: one best action; every one where `where` [] is false.

    An action that does not exist cannot be taken: then, too, all are as good.
    """
    chosen = jnp.arange(count, dtype=jnp.int32) == action
    return chosen | ~(jnp.any(chosen) & where)


class Taught(Wrapper):
    """An environment with an expert that it did not have by itself."""

    def __init__(self, env: Any, expert_action: Expert):
        super().__init__(env)
        self.expert_action = expert_action


class Led(Wrapper):
    """An environment in which an expert acts, whatever action comes."""

    def __init__(self, env: Any, act: Expert):
        super().__init__(env)
        self.act = act

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        return self.env.step(key, state, self.act(state, params), params)
