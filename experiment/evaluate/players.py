"""A run's learners, and the agent that plays them in an environment."""

from typing import Any, NamedTuple

import jax

from experiment.errors import InputError
from experiment.run.outcome import setting_of
from experiment.run.picked import Picked, restored
from experiment.run.run_folder import RunFolder
from experiment.setup.building import build_agent, learner_shapes
from experiment.setup.config import RunConfig
from experiment.setup.sections import EnvChoice


class Players(NamedTuple):
    """Learners of one setting, and what plays them."""

    setting: int  # its number
    config: RunConfig  # of a run of that setting alone
    agent: Any  # in the environment that is played
    picked: Picked
    facts: dict[str, Any]  # what result.json says of them, whatever they played


def players(
    folder: RunFolder, whole: RunConfig, wanted: Any, env_choice: EnvChoice
) -> Players:
    """Learners of a run, to be played in an environment.

    Args:
      folder: of the run.
      whole: its configuration.
      wanted: the number of a setting; None: the best.
      env_choice: what is played, the run's own environment or it told otherwise.

    Raises:
      InputError: if there is no such setting or no usable checkpoint, or the network
        cannot read the environment's observations or make its actions.
    """
    setting = setting_of(folder, whole, wanted)
    config = whole.alone(setting)
    like = learner_shapes(build_agent(config), whole)
    agent = build_agent(config, env_choice)
    check_fits(like, learner_shapes(agent, whole))
    picked = restored(folder, whole, setting, like)
    say_unfinished(folder, whole, picked.update)
    facts = {
        "env": env_choice.name,
        "env_params": dict(env_choice.params),
        "core": config.core.name,
        "agent": config.agent.name,
        "checkpoint_update": picked.update,
        **whole.sweep.facts(setting),
    }
    return Players(setting, config, agent, picked, facts)


def say_unfinished(folder: RunFolder, whole: RunConfig, update: int) -> None:
    """Says so where a run is played that has not come to its end."""
    if not folder.is_kept and folder.read_summary() is None:
        last = f"the checkpoint of update {update:,} of {whole.num_updates:,}"
        print(f"{folder.path} has not ended: played is {last}", flush=True)


def check_fits(trained: Any, other: Any) -> None:
    """Compares parameter shapes of the run's network with those that are now needed."""
    ours = jax.tree.map(lambda x: x.shape, trained.params)
    theirs = jax.tree.map(lambda x: x.shape, other.params)
    if ours == theirs:
        return
    is_shape = lambda x: isinstance(x, tuple)  # noqa: E731
    pairs = zip(
        jax.tree.leaves(ours, is_leaf=is_shape),
        jax.tree.leaves(theirs, is_leaf=is_shape),
        strict=False,
    )
    first = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
    raise InputError(
        "the run's network does not fit this environment: observations or actions "
        f"have another size (a layer is {list(first[0][1:])} in the run, and would "
        f"have to be {list(first[1][1:])})."
    )
