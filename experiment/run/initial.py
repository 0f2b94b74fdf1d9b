"""Learners that begin from the parameters of a finished run: `init=RUN_DIR`.

Everything else is a new run's: the optimiser, the environments, what is drawn. The
run is read once, when training begins; who goes on with the new one does not need it.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from experiment.errors import InputError
from experiment.run import hosts, picked
from experiment.run.outcome import setting_of
from experiment.run.run_folder import RunFolder
from experiment.run.values import named
from experiment.setup.building import build_agent, learner_shapes
from experiment.setup.config import RunConfig

SIZES = ("encoder_sizes", "head_sizes", "memory")  # of the agents' options
# How a network reads and what its critic's output means; of agents without, this.
MEANINGS = {"normalize_obs": False, "value_loss": "squared"}


def beginning(agent: Any, config: RunConfig, like: Any) -> Callable[[Any], Any]:
    """`learners -> learners` that act as the run in `init` did.

    Learner i begins from learner i mod n, of the run's n that did not diverge.

    Args:
      agent: that begins.
      config: of the run that begins.
      like: its learners [S, ...], as shapes and types.

    Raises:
      InputError: if there is no such run, or its network is another: naming in what.
    """
    path = str(config.schedule.init)
    folder = RunFolder.existing(path, "init")
    whole = folder.load_config()
    setting = setting_of(folder, whole, None)
    theirs = whole.alone(setting)
    _check_choices(path, theirs, config)
    # In the environment that is trained in: what another folder names is not made.
    source = build_agent(theirs, config.env)
    if source.network.head != agent.network.head:
        raise InputError(
            f"init={path} has actions as {source.network.head}, and this run as "
            f"{agent.network.head}."
        )
    shapes = learner_shapes(source, whole)
    given = _given(source, agent, shapes.params, like.params, path)
    update, learners, _ = picked.restored(folder, whole, setting, shapes)
    count = len(jax.tree.leaves(learners.params)[0])
    which = np.arange(config.num_learners) % count
    print(f"begins from {path}, update {update}", flush=True)

    acting = learners.params
    if hosts.here().count > 1:  # in a program of several, an array of one has no place
        acting = jax.device_get(acting)

    @jax.jit
    def begun(new: Any) -> Any:
        params = jax.vmap(given)(acting)
        params = jax.tree.map(lambda x: x[which], params)
        return jax.vmap(agent.begun)(new, params)

    return begun


def _given(
    source: Any, agent: Any, theirs: Any, ours: Any, path: str
) -> Callable[[Any], Any]:
    """Of a learner's parameters in the run, those that one of ours begins from.

    An agent of the same kind goes on from all of them, such as the bit of an imitator;
    another from what acts alike.

    Args:
      theirs: params [S, ...] of the run's learners, as shapes and types.
      ours: likewise, of the learners that begin.

    Raises:
      InputError: if they do not fit.
    """
    wanted = jax.eval_shape(jax.vmap(agent.lasting), ours)
    if type(source) is type(agent):
        whole = jax.eval_shape(jax.vmap(source.lasting), theirs)
        if _kinds(whole) == _kinds(wanted):
            return source.lasting
    acting = jax.eval_shape(jax.vmap(source.acting_params), theirs)
    _check_parameters(path, acting, wanted)
    return source.acting_params


def _check_choices(path: str, theirs: RunConfig, ours: RunConfig) -> None:
    """Core and sizes, by their keys: the sentence then names what can be set."""

    def choices(config: RunConfig) -> dict[str, Any]:
        options, core = config.agent.options, config.core
        found = {"core": core.name, "core.features": core.features}
        found |= {f"core.{name}": value for name, value in vars(core.options).items()}
        found |= {f"agent.{name}": getattr(options, name) for name in SIZES}
        for name, usual in MEANINGS.items():
            found[f"agent.{name}"] = getattr(options, name, usual)
        return {name: _plain(value) for name, value in found.items()}

    was, now = choices(theirs), choices(ours)
    for name in was.keys() & now.keys():
        if was[name] != now[name]:
            raise InputError(
                f"init={path} was trained with {name}={was[name]}, and this run has "
                f"{name}={now[name]}: they must agree."
            )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _check_parameters(path: str, theirs: Any, ours: Any) -> None:
    """What no key names: another environment's observations, another network."""
    was, now = _kinds(theirs), _kinds(ours)
    for name in sorted(was.keys() | now.keys()):
        if was.get(name) != now.get(name):
            raise InputError(
                f"init={path} has another network: {name} is "
                f"{_said(was.get(name))} there, and {_said(now.get(name))} here."
            )


def _kinds(params: Any) -> dict[str, tuple[str, tuple[int, ...]]]:
    """By name, what one learner has of it."""
    return {name: (x.dtype.name, x.shape[1:]) for name, x in named(params).items()}


def _said(kind: tuple[str, tuple[int, ...]] | None) -> str:
    return "nothing" if kind is None else f"{kind[0]}{list(kind[1])}"
