"""What experts of bare bodies earn in the very tasks that an agent is evaluated on.

A body behind a lens cannot do all that it can do alone: of random Gaussian lenses half
keep a body with one action from its full force. So the honest mark of an agent is not
the expert of the bare body but that expert acting through the task's own lens, task by
task (`envs.meta.lens`).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

import envs
from agents.acting.trials import number, play_trials
from envs.contract.expert import Expert
from envs.contract.wrappers import Wrapper
from experiment.setup.config import EnvChoice


class Led(Wrapper):
    """An environment in which an expert acts, whatever action comes."""

    def __init__(self, env: Any, act: Expert):
        super().__init__(env)
        self.act = act

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        return self.env.step(key, state, self.act(state, params), params)


class _Nothing(NamedTuple):
    """A distribution over the only action there is to draw."""

    action: Array  # [1, N, A]

    def mode(self) -> Array:
        return self.action

    def sample(self, key: Array) -> Array:
        return self.action


def in_tasks(
    choice: EnvChoice,
    policies: Sequence[Callable[[Array], Array]],
    key: Array,
    *,
    num_tasks: int,
    num_trials: int,
) -> np.ndarray:
    """[N] mean return of a trial of each task, played by experts of the bare bodies.

    Args:
      choice: an environment of bodies.
      policies: `observation -> action` of each of its bodies alone, in their order.
      key: consumed; as in `Agent.evaluate_trials`, which plays the same tasks with it.
      num_tasks: N.
      num_trials: over which returns are averaged.
    """
    env, env_params = envs.make(choice.name, **choice.params)
    act = envs.expert(choice.name, choice.params, policies)
    shape = env.action_space(env_params).shape
    nothing = _Nothing(jnp.zeros((1, num_tasks, *shape), jnp.float32))

    def asked(carry: Any, obs: Array, reset: Array) -> tuple[Any, Any, Array]:
        return carry, nothing, jnp.zeros(reset.shape, jnp.float32)

    def play(key: Array) -> Array:
        played = play_trials(
            *(asked, (), key, jnp.int32(number("none")), ()),
            num_tasks=num_tasks,
            num_trials=num_trials,
            swap_at=num_trials,  # never
            env=Led(env, act),
            env_params=env_params,
            to_env=lambda action: action,
            greedy=True,
        )
        return played.trials.trial_return.mean(1)

    return np.asarray(jax.jit(play)(key))
