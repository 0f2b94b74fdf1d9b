"""What agents that learn from rollouts share: a learner, how it begins, acts and plays.

An agent is `initialise`, `update`, `initial_carry` and `act`, and for evaluation
`evaluate`, `evaluate_trials` and `tasks`: all pure. What is left for each is how it
behaves and how it learns.
"""

from abc import abstractmethod
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax import Array

from agents.acting import foresight
from agents.acting.fit import learning_rate
from agents.acting.player import Learner, Player
from agents.acting.rollout import Metrics
from agents.acting.situation import begin
from agents.acting.statistics import parted


@dataclass(frozen=True)
class Agent(Player):
    """One learner. To train several, `vmap` `update`, and `jax.lax.map` `initialise`.

    (Orthogonal initialisers under `vmap` can hang on a CPU: see
    `experiment.run.mesh.Placement.draw`.)

    `axes` names what it is mapped over. An update has to know: over learners, so as to
    skip for all at once the evaluations that only time limits need; over blocks of its
    own lanes, for what it makes of all of them.
    """

    num_updates: int = 1  # of the run: rates and shares fall over them

    @abstractmethod
    def update(self, learner: Learner) -> tuple[Learner, Metrics]:
        """Collects a rollout and learns from it.

        Returns:
          `(learner, metrics)`. Metrics are scalars, with the same names every time:
          `episode/*` are totals over the episodes that ended, the rest are means; they
          stand in the order in which a non-finite value would spread.
        """

    @abstractmethod
    def descent(self, rate: float | optax.Schedule) -> optax.GradientTransformation:
        """What makes steps of gradients that are not too long."""

    @property
    def optimizer(self) -> optax.GradientTransformation:
        """What makes steps of gradients."""
        return optax.chain(
            optax.clip_by_global_norm(self.config.max_grad_norm),
            self.descent(learning_rate(self.config, self.num_updates)),
        )

    def told(self, agent: Mapping[str, Any], core: Mapping[str, Any]) -> "Agent":
        """The same agent with other numbers, which may be traced.

        Args:
          agent: of its configuration, of those that `agents.acting.config.number`
            declares; they have been checked.
          core: of its core's configuration, of those that are `initial` in it.
        """
        network: Any = self.network
        if core:
            config = _with(network.core.config, core)
            network = network.clone(core=network.core.clone(config=config))
        config = _with(self.config, agent)
        return replace(self, config=config, network=network)

    def initialise(self, key: Array) -> Learner:
        """Draws parameters and resets environments. `key` is consumed."""
        params_key, env_key, key = jax.random.split(key, 3)
        lanes, axes = self.config.num_envs, self.axes
        carry = self.network.initial_carry(axes.count(lanes))
        situation = begin(self.env, self.env_params, carry, env_key, lanes, axes)
        obs = jax.tree.map(lambda x: x[None], situation.obs)
        params = self.network.init(params_key, carry, obs, situation.reset[None])
        learner = Learner(params, (), situation, key, jnp.zeros((), jnp.int32))
        return self.begun(learner, params)

    def begun(self, learner: Learner, params: Any) -> Learner:
        """A learner that begins from these parameters, whatever it had before.

        Its layers that foretell (`agents.acting.foresight`) stay its own.
        """
        params = foresight.joined(params, foresight.parted(learner.params)[1])
        opt_state = self.optimizer.init(self.weights(params))
        extra = self.extra(params)
        return learner._replace(params=params, opt_state=opt_state, extra=extra)

    def weights(self, params: Any) -> Any:
        """Of a learner's params those that are learned, which statistics are not."""
        return parted(params)[0]

    def acting_params(self, params: Any) -> Any:
        """Of a network that acts as it does by itself, for another agent to begin from.

        Args:
          params: of a learner of this agent.
        """
        return self.lasting(params)

    def lasting(self, params: Any) -> Any:
        """What of its parameters another agent can give it: not what foretells."""
        return foresight.parted(params)[0]

    def extra(self, params: Any) -> Any:
        """What it has to remember besides, at the start; the parameters are those."""
        return ()

    @property
    def extra_lanes(self) -> Any:
        """Which parts of `extra` have lanes as their first axis: bools over leaves."""
        return False

    @property
    def lanes(self) -> Learner:
        """Likewise, of a learner."""
        has: Any = True  # where a learner has arrays
        none: Any = False
        return Learner(none, none, has, none, none, self.extra_lanes)


def _with(config: Any, values: Mapping[str, Any]) -> Any:
    """A frozen configuration with other values, which its own checks cannot read."""
    changed = copy(config)
    for name, value in values.items():
        object.__setattr__(changed, name, value)
    return changed
