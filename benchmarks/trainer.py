"""What `python train.py` would compile and run, ready to be timed update by update."""

import time
from collections.abc import Sequence
from typing import Any

import jax

from experiment import memory
from experiment.run import mesh
from experiment.run.compiling import compile_update
from experiment.setup import cli
from experiment.setup import config as run_config
from experiment.setup.building import build_agent


class Trainer:
    """A call is an update. Learners are donated: each goes on from the last."""

    def __init__(self, arguments: Sequence[str]):
        """Compiles.

        Args:
          arguments: of train.py.
        """
        self.config = run_config.load(cli.composed("train", arguments))
        agent = build_agent(self.config)
        self.config, layout = mesh.settled(self.config)
        placement = mesh.Placement(agent, self.config, layout)
        shapes = placement.shapes
        start = time.perf_counter()
        self._update, _ = compile_update(placement)
        self.compile_seconds = time.perf_counter() - start
        self._learners = placement.draw()
        beside = 2 * memory.size(shapes)
        self.expected_bytes = memory.expected(self._update, beside=beside)

    def __call__(self) -> Any:
        """The update's metrics."""
        self._learners, metrics = self._update(self._learners)
        return metrics

    @property
    def params(self) -> Any:
        """Of all learners, as they are now."""
        return self._learners.params

    @property
    def text(self) -> str:
        """The compiled program."""
        return self._update.as_text()

    @property
    def steps(self) -> int:
        """Environment steps of an update, of all learners together."""
        options = self.config.agent.options
        return options.steps_per_update * self.config.num_learners

    @property
    def parameters(self) -> int:
        """Of each learner."""
        leaves = jax.tree.leaves(self._learners.params)
        return sum(leaf.size for leaf in leaves) // self.config.num_learners

    @property
    def gigabytes(self) -> float | None:
        """What an update takes, where XLA says it."""
        found = self._update.memory_analysis()
        if found is None:
            return None
        return (found.argument_size_in_bytes + found.temp_size_in_bytes) / 1e9
