"""Histories of learners that take gradient steps: an agent, on one task, from nothing.

    update of the learner   0      1 ... k-1   k      k+1 ...
                            record             record

Every lane of a learner is in the same hidden task, for as long as it learns. Before
each k-th update it plays on the record as well, in a meta-episode of its own that goes
on from record to record: what stands there is what one agent saw in one task, while it
got better in between.
"""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.agent import Agent
from agents.acting.player import Learner
from agents.acting.situation import Situation, advance, decide
from agents.distill.record import History
from envs.contract.wrappers import Wrapper


class Endless(Wrapper):
    """A meta-environment whose meta-episodes do not end: the task stays."""

    def step(self, key: Array, state: Any, action: Array, params: Any) -> tuple:
        return self.env.step(key, self.env.again(state), action, params)


def learned(agent: Agent, learner: Learner, *, records: int, every: int) -> History:
    """[T, 1, ...] the history of a learner, T = records x `config.rollout_length`.

    Args:
      agent: in an environment with trials, over whose axes this call is mapped.
      learner: that has just begun. (Those of many histories are drawn one after
        another: see `Agent`.)
      records: how often it plays on the record.
      every: updates for each.
    """
    agent = dataclasses.replace(agent, env=Endless(agent.env))
    key, record_key = jax.random.split(learner.key)
    # All begin where the first lane does, and part with the first action.
    now = jax.tree.map(lambda x: x[:1], learner.situation)
    same = jax.tree.map(lambda x: jnp.broadcast_to(x[:1], x.shape), learner.situation)
    learner = learner._replace(key=key, situation=same)

    def record(state: tuple[Learner, Situation], key: Array) -> Any:
        learner, now = state
        now, history = played(agent, learner, now, key)
        learner = jax.lax.fori_loop(
            0, every, lambda _, learner: agent.update(learner)[0], learner
        )
        return (learner, now), history

    keys = jax.random.split(record_key, records)
    _, history = jax.lax.scan(record, (learner, now), keys)
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), history)


def played(
    agent: Agent, learner: Learner, now: Situation, key: Array
) -> tuple[Situation, History]:
    """What a learner does next on the record, one rollout long."""
    policy, to_env = agent.behaviour(learner), agent.network.head.to_env

    def step(now: Situation, key: Array) -> tuple[Situation, History]:
        action_key, env_key = jax.random.split(key)
        carry, action = decide(policy, now, action_key, greedy=False)
        later, outcome = advance(
            *(now, carry, action, env_key),
            env=agent.env,
            env_params=agent.env_params,
            to_env=to_env,
        )
        ended = outcome.info["trial_ended"]
        seen = now.obs, now.reset, to_env(action), outcome.reward, ended
        return later, History(*seen)

    return jax.lax.scan(step, now, jax.random.split(key, agent.config.rollout_length))
