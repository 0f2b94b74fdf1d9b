"""What experts of bare bodies earn in the very tasks that an agent is evaluated on.

A body behind a lens cannot do all that it can do alone: of random Gaussian lenses half
keep a body with one action from its full force. So the honest mark of an agent is not
the expert of the bare body but that expert acting through the task's own lens, task by
task (`envs.meta.lens`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from jax import Array

import envs
from experiment.setup.sections import EnvChoice


def in_tasks(
    agent: Any,
    choice: EnvChoice,
    policies: Sequence[Callable[[Array], Array]],
    key: Array,
    *,
    num_tasks: int,
    num_trials: int,
) -> np.ndarray:
    """[N] mean return of a trial of each task, played by experts of the bare bodies.

    Args:
      agent: in whose environment they play, one of bodies.
      choice: of that environment.
      policies: `observation -> action` of each of its bodies alone, in their order.
      key: consumed; as in `Agent.evaluate_trials`, which plays the same tasks with it.
      num_tasks: N.
      num_trials: over which returns are averaged.
    """
    act = envs.expert(choice.name, choice.params, policies)
    sizes = {"num_tasks": num_tasks, "num_trials": num_trials}
    played = jax.jit(partial(agent.evaluate_expert, act, **sizes))(key)
    return np.asarray(played.trial_return).mean(1)
