"""Learners on one, two, four and eight simulated devices; a program.

    python -m tests.experiment.run.spread FOLDER

Prints a JSON object: for each law, what was seen to break it, or nothing.
"""

import json
import os
import sys
from pathlib import Path

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import jax
import numpy as np

from agents.acting.statistics import STATISTICS
from benchmarks.collectives import collectives
from experiment.run import mesh
from experiment.run.checkpoints import Checkpoints
from experiment.run.compiling import compile_update
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent
from tests.experiment.conftest import TINY

jax.config.update("jax_disable_most_optimizations", True)
CLOSE = dict(rtol=2e-4, atol=2e-5)
UPDATES = 2
# Everything that PPO makes over all lanes.
MANY = (
    *("agent.num_envs=8", "agent.normalize_obs=true", "agent.scale_rewards=true"),
    *("agent.foresight_weight=0.5", "agent.anneal_learning_rate=true"),
)


class Spread:
    """A run's learners on so many devices, and its compiled update."""

    BASE = (*TINY, *MANY, "total_steps=4000")

    def __init__(self, devices, *overrides):
        arguments = [*self.BASE, *overrides, f"devices={devices}"]
        config = run_config.load(cli.composed("train", arguments))
        self.config, self.layout = mesh.settled(config)
        self.agent = build_agent(self.config)
        self.placement = mesh.Placement(self.agent, self.config, self.layout)
        self.update, _ = compile_update(self.placement)

    def run(self, learners=None, updates=UPDATES):
        """`(learners, metrics by update)`."""
        learners = self.placement.draw() if learners is None else learners
        seen = []
        for _ in range(updates):
            learners, metrics = self.update(learners)
            seen.append(jax.device_get(metrics))
        return learners, seen

    @property
    def parameters(self):
        """Bytes of one learner's, the most that a gradient takes."""
        params = self.placement.shapes.params
        moved = {name: x for name, x in params.items() if name != STATISTICS}
        leaves = jax.tree.leaves(moved)
        size = sum(x.size * x.dtype.itemsize for x in leaves)
        return size // self.config.schedule.num_seeds


class Small(Spread):
    """Of any agent."""

    BASE = (
        *("core=gru", "core.features=4", "core.num_layers=1", "agent.num_envs=4"),
        *("agent.rollout_length=6", "agent.num_minibatches=1", "agent.epochs=1"),
        *("agent.encoder_sizes=[4]", "agent.head_sizes=[]", "mesh.envs=2"),
        "total_steps=4000",
    )


def plain(tree):
    """On the host, keys as numbers."""
    is_key = lambda x: jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key)  # noqa: E731
    return jax.tree.map(
        lambda x: np.asarray(jax.random.key_data(x) if is_key(x) else x), tree
    )


def same(one, other):
    jax.tree.map(np.testing.assert_array_equal, plain(one), plain(other))


def close(one, other):
    jax.tree.map(
        lambda x, y: np.testing.assert_allclose(x, y, **CLOSE), plain(one), plain(other)
    )


def lies(tree, placement):
    """Every part of it lies where it should."""
    for leaf, wanted in zip(
        jax.tree.leaves(tree), jax.tree.leaves(placement.shapes), strict=True
    ):
        assert leaf.sharding.is_equivalent_to(wanted.sharding, leaf.ndim), leaf.sharding


def learners_alone(folder):
    """Learners over devices begin with the same bits, and nothing is ever sent.

    Later they differ by rounding: XLA forms other loops for other numbers of learners,
    and for a program of several devices.
    """
    one, two = Spread(1, "num_seeds=4"), Spread(2, "num_seeds=4")
    assert (two.layout.seeds, two.layout.envs, two.layout.blocks) == (2, 1, 1)
    begun = two.placement.draw()
    lies(begun, two.placement)
    same(begun, one.placement.draw())
    learners, metrics = one.run()
    after, seen = two.run(begun)
    lies(after, two.placement)
    close(after, learners)
    close(seen, metrics)
    assert collectives(two.update.as_text()) == [], collectives(two.update.as_text())


def blocks_anywhere(folder):
    """Blocks of lanes on one, two or four devices; what is sent is gradients alone."""
    one = Spread(1, "num_seeds=1", "mesh.envs=4")
    for count in (2, 4):
        spread = Spread(count, "num_seeds=1", "mesh.envs=4")
        assert (spread.layout.envs, spread.layout.blocks) == (count, 4)
        as_on_one(one, spread, 2_000)


def as_on_one(one, spread, rest):
    """The learner of one device; only gradients are sent, and `rest` bytes at most."""
    begun = spread.placement.draw()
    lies(begun, spread.placement)
    same(begun, one.placement.draw())
    learners, metrics = one.run()
    other, seen = spread.run(begun)
    lies(other, spread.placement)
    close(other, learners)
    close(seen, metrics)
    sent = collectives(spread.update.as_text())
    assert {kind for kind, _ in sent} == {"all-reduce"}, sent
    # In a step, gradients and a few scalars; in an update, moments and metrics.
    assert sum(size for _, size in sent) < spread.parameters + rest, sent


def both_ways(folder):
    """Learners over two devices and lanes over four, and a checkpoint on fewer."""
    eight = Spread(8, "mesh.envs=4")
    assert (eight.layout.seeds, eight.layout.envs) == (2, 4)
    one = Spread(1, "mesh.envs=4")
    learners, metrics = eight.run()
    wanted, seen = one.run()
    close(learners, wanted)
    close(metrics, seen)
    half, _ = eight.run(updates=1)
    store = Checkpoints(Path(folder) / "checkpoints", eight.config)
    store.save(1, half)
    for devices in (8, 2):
        other = Spread(devices, "mesh.envs=4")
        place = Checkpoints(Path(folder) / "checkpoints", other.config)
        update, restored = place.restore(other.placement.shapes)
        assert update == 1
        lies(restored, other.placement)
        ended, _ = other.run(restored, updates=1)
        (same if devices == 8 else close)(ended, learners)


def of_pqn(folder):
    """Blocks on two devices as on one; what is sent is gradients and scalars."""
    blocks_of("pqn", "memory_chain")


def of_imitate(folder):
    """Likewise."""
    blocks_of("imitate", "meta_bandit")


def of_distill(folder):
    """Likewise."""
    blocks_of("distill", "meta_bandit")


def blocks_of(agent, env):
    own = f"agent={agent}", f"env={env}"
    one, two = Small(1, *own), Small(2, *own)
    assert (two.layout.envs, two.layout.blocks, one.layout.blocks) == (2, 2, 2)
    as_on_one(one, two, 1_000)


LAWS = (learners_alone, blocks_anywhere, both_ways, of_pqn, of_imitate, of_distill)


def main(folder, *names):
    """Tries each, and says what broke it."""
    broken = {}
    for law in LAWS:
        if names and law.__name__ not in names:
            continue
        try:
            law(folder)
        except AssertionError as error:
            broken[law.__name__] = str(error)[:2000] or repr(error)
        else:
            broken[law.__name__] = ""
    print(json.dumps(broken))


if __name__ == "__main__":
    main(*sys.argv[1:])
