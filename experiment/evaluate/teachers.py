"""Experts of bare bodies that were trained, as teachers of an agent on those bodies.

`agent.experts=RUN_DIR,RUN_DIR` names a run of each body that the environment's tasks
are on, in any order; each is an ordinary run of a core without memory. What they do on
a body alone is put through the lens of the task (`envs.meta.lens`): that is the answer
in the agent's own actions.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

import envs
from experiment.errors import InputError
from experiment.evaluate.load import load
from experiment.run import outcome
from experiment.run.run_folder import RunFolder
from experiment.setup.config import RunConfig

MEMORYLESS = "mlp"  # the core of an expert, which is asked about single states


def teacher(config: RunConfig) -> Callable[[Any, Any], Array] | None:
    """`(state, params) -> action` of the runs that are named; None of none.

    Of the states of the run's environment, in whatever wrapper.

    Raises:
      InputError: if a run is not there, has memory or is on none of the bodies, or a
        body has no run.
    """
    named = getattr(config.agent.options, "experts", None)
    if named is None:
        return None
    bodies = _bodies(config)
    if not bodies:
        raise InputError(
            f"agent.experts are of bodies, and {config.env.name} has none; leave it "
            "out where the environment has an expert of its own."
        )
    found = {}
    for path in (part.strip() for part in named.split(",")):
        folder = RunFolder.existing(path, "agent.experts")
        theirs = folder.load_config()
        if theirs.env.name not in bodies:
            raise InputError(
                f"agent.experts: {path} was trained on {theirs.env.name}, which is "
                f"none of {', '.join(bodies)}."
            )
        if theirs.core.name != MEMORYLESS:
            raise InputError(
                f"agent.experts are asked about single states, so they have "
                f"core={MEMORYLESS}; {path} has core={theirs.core.name}."
            )
        found[theirs.env.name] = policy(folder, seed=_best(folder))
    missing = [name for name in bodies if name not in found]
    if missing:
        raise InputError(f"agent.experts has no run on {', '.join(missing)}.")
    policies = [found[name] for name in bodies]
    return envs.expert(config.env.name, config.env.params, policies)


def _bodies(config: RunConfig) -> list[str]:
    nothing = ({"body": None},)  # which tasks are on which body is not asked
    found, _ = envs.bodies(config.env.name, config.env.params, nothing)
    return [name for name, _ in found]


def policy(folder: RunFolder, *, seed: int) -> Callable[[Array], Array]:
    """`observation [D] -> action [A]`, the likeliest, of one of a run's learners.

    Args:
      folder: of a run whose core has no memory.
      seed: the learner.
    """
    trained = load(str(folder.path), seed=seed, trust=False)

    def act(obs: Array) -> Array:
        carry, opens = trained.initial_carry(1), jnp.ones(1, bool)
        _, action = trained.act(carry, obs[None], opens)
        return action[0]

    return act


def _best(folder: RunFolder) -> int:
    """The learner with the highest return in the last tenth of training."""
    if not folder.summary.exists():
        raise InputError(f"agent.experts: {folder.path} has not ended.")
    known = outcome.final_returns(folder, None)
    if not known:
        raise InputError(f"agent.experts: {folder.path} has no return to choose by.")
    return max(known, key=lambda seed: known[seed])
