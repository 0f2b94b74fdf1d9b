"""Kept learners that nobody trained, for tests of what plays them."""

import functools

import jax

from experiment.run import policy
from experiment.run.run_folder import RunFolder
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent

SMALL = (
    "core=gru",
    "core.features=8",
    "agent.num_envs=4",
    "agent.num_minibatches=1",
    "agent.encoder_sizes=[8]",
    "agent.head_sizes=[]",
    "num_seeds=1",
    "total_steps=1_000_000",
)


@functools.cache
def config(*overrides):
    cli.register()
    return run_config.load(cli.composed("train", [*overrides, *SMALL]))


def keep(path, *overrides):
    """A folder as `experiment.keep` makes them; returns `path`."""
    chosen, folder = config(*overrides), RunFolder(path)
    agent = build_agent(chosen)
    learner = jax.jit(agent.initialise)(jax.random.key(3))
    learners = jax.tree.map(lambda x: x[None], learner)
    folder.create(chosen)
    policy.write(folder.policy, chosen, 0, learners)
    return path
