"""Learners that nobody trained, kept or in a run, for tests of what plays them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from experiment.run import policy
from experiment.run.checkpoints import Checkpoints
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent, seed_keys

SMALL = (
    "core=gru",
    "core.features=8",
    "agent.num_envs=4",
    "agent.num_minibatches=1",
    "agent.encoder_sizes=[8]",
    "agent.head_sizes=[]",
    "total_steps=1_000_000",
)


@functools.cache
def config(*overrides):
    cli.register()
    return run_config.load(cli.composed("train", [*SMALL, *overrides]))


# The same environment for all, so that what draws a learner is compiled once.
ROOM = ("env=dark_room", "env.trial_steps=4", "env.size=3")


def _drawn(agent, key):
    return jax.jit(agent.initialise)(key)


@jax.jit
def _together(*learners):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *learners)


def run(path, num_seeds, *overrides):
    """A run folder with a checkpoint of learners as they began, and a made-up end."""
    return left(path, config(f"num_seeds={num_seeds}", *overrides))


def left(path, chosen, moved=0.0):
    """Likewise of a configuration, its parameters moved by noise of that deviation."""
    agent, folder = build_agent(chosen), RunFolder(path)
    folder.create(chosen)
    folder.write_manifest()
    each = [_drawn(agent, key) for key in seed_keys(chosen)]
    learners = _together(*each)
    rng = np.random.default_rng(0)

    def elsewhere(x):
        return jnp.asarray(np.asarray(x) + moved * rng.normal(size=x.shape), x.dtype)

    params = jax.tree.map(elsewhere, learners.params)
    learners = learners._replace(params=params)
    Checkpoints(folder.checkpoints, chosen).save(7, learners)
    returns = [seed / 4 for seed in range(chosen.schedule.num_seeds)]
    folder.write_summary({"final_return": 0.0, "final_return_per_seed": returns})
    return path


def keep(path, *overrides):
    """A folder as `experiment.keep` makes them; returns `path`."""
    chosen, folder = config(*overrides), RunFolder(path)
    agent = build_agent(chosen)
    learner = _drawn(agent, jax.random.key(3))
    learners = jax.tree.map(lambda x: x[None], learner)
    folder.create(chosen)
    policy.write(folder.policy, chosen, 0, learners)
    return path
