"""The network that Lu et al. (2023) train, in our PPO, and the parts of its update."""

from functools import partial
from typing import Any, NamedTuple

import jax
from jax import Array

import envs
import s5rl
from agents.acting.fit import Minibatch, fit
from agents.acting.player import Learner
from agents.acting.returns import gae
from agents.acting.rollout import Rollout, collect
from agents.ppo.agent import PPO, make_ppo
from agents.ppo.config import PPOConfig
from agents.ppo.objective import Learned, loss

LAYERS = {"s5": 4, "gru": 1, "mlp": 4}  # its GRU is one layer


def make_agent(
    core: str = "s5",
    *,
    length: int,
    batch: int,
    features: int,
    states: int,
    layers: int | None = None,
    epochs: int = 4,
    minibatches: int | None = None,
    method: str = "auto",
) -> PPO:
    """PPO on `memory_chain` with a large core, nothing else being large.

    Args:
      core: a name of `s5rl.core_names()`; of S5 the paper's: full GLU.
      length: T, an episode.
      batch: B, lanes.
      features: H of every layer.
      states: of an S5 layer; other cores have none.
      layers: None: as in `LAYERS`, else 1.
      epochs: over each rollout.
      minibatches: None: one lane each.
      method: of an S5 layer's recurrence.
    """
    env, env_params = envs.make("memory_chain", memory_length=length - 1)
    options: dict[str, Any] = {"num_layers": layers or LAYERS.get(core, 1)}
    if core == "s5":
        options |= {"state_size": states, "activation": "full_glu", "method": method}
    config = PPOConfig(
        num_envs=batch,
        rollout_length=length,
        epochs=epochs,
        num_minibatches=minibatches or batch,
    )
    return make_ppo(
        config,
        env=env,
        env_params=env_params,
        core=s5rl.make_core(core, features=features, **options),
        num_updates=1,
    )


class Parts(NamedTuple):
    """What one update consists of; one after another they are `agent.update`."""

    agent: Any

    def keys(self, learner: Learner) -> Array:
        """(next, of the rollout, of fitting), as `update` draws them."""
        return jax.random.split(learner.key, 3)

    def collect(self, learner: Learner) -> tuple[Any, Rollout]:
        """`(situation, rollout)`."""
        agent = self.agent
        return collect(
            learner.situation,
            self.keys(learner)[1],
            env=agent.env,
            env_params=agent.env_params,
            policy=agent.policy(learner.params),
            to_env=agent.network.head.to_env,
            length=agent.config.rollout_length,
            axes=agent.axes,
        )

    def advantages(self, rollout: Rollout) -> Array:
        """[T, B]"""
        config = self.agent.config
        return gae(
            reward=rollout.reward,
            value=rollout.value,
            next_value=rollout.next_value,
            terminated=rollout.terminated,
            truncated=rollout.truncated,
            discount=config.discount * rollout.continuation,
            lambda_=config.gae_lambda,
        )

    def fit(self, learner: Learner, rollout: Rollout, advantage: Array):
        """`(params, opt_state, metrics)`."""
        batch = Minibatch(learner.situation.carry, rollout, Learned(advantage))
        key = self.keys(learner)[2]
        return fit(
            *(learner.params, learner.opt_state, batch, key),
            loss=partial(loss, agent=self.agent),
            optimizer=self.agent.optimizer,
            config=self.agent.config,
        )
