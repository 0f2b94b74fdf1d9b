"""Rewards in units of what they add up to, and which body earned them.

    R[t] = reward[t] + discount * (0 if reset[t] else continuation[t-1] R[t-1])
    scaled reward[t] = reward[t] / std of all R so far, within +-10

(Engstrom et al., 2020, whose R runs over the ends of episodes, as in most code; here it
does not.) A rollout's own returns count for its rewards: with the first one, too, the
learner sees the same whatever unit rewards have.

Where several bodies share a network (`envs.contract.groups`), each has its own scale.
Which body a lane plays is privileged: statistics are told, and nothing that acts.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.rollout import Rollout
from agents.acting.situation import Outcome, Situation
from agents.acting.statistics import BOUND, Statistics, deviation, merge, nothing, of
from envs.contract import groups


class Returns(NamedTuple):
    """What rewards have added up to."""

    so_far: Array  # [B] discounted, of the episode that each lane is in
    statistics: Statistics  # [G] of all R, by group


@dataclass(frozen=True)
class Grouping:
    """A guide that writes down which group a lane is in, and changes nothing."""

    env: Any
    env_params: Any

    def before(
        self, state: Any, now: Situation, distribution: Any, action: Array, key: Array
    ) -> tuple[Any, Array, Array]:
        """The note is [B] int32, of the state before the step."""
        return state, action, groups.of(self.env, now.env_state, self.env_params)

    def after(self, state: Any, outcome: Outcome) -> Any:
        """Nothing is remembered."""
        return state


def first(num_lanes: int, num_groups: int) -> Returns:
    """Before the first reward."""
    none = jax.tree.map(lambda x: jnp.broadcast_to(x, (num_groups,)), nothing(()))
    return Returns(jnp.zeros(num_lanes, jnp.float32), none)


def followed(
    kept: Returns,
    rollout: Rollout,
    group: Array | None,
    discount: float,
    axes: Axes = ALONE,
) -> Returns:
    """With the returns of a rollout; `group` [T, B] int32, None where there is one."""

    def step(so_far, now):
        reward, reset, continuation = now
        total = reward + discount * jnp.where(reset, 0, so_far)
        return continuation * total, total

    so_far, totals = jax.lax.scan(
        step, kept.so_far, (rollout.reward, rollout.reset, rollout.continuation)
    )
    if group is None:
        new = jax.tree.map(lambda x: x[None], of(totals, axes=axes))
    else:
        number = jnp.arange(len(kept.statistics.number), dtype=group.dtype)
        new = jax.vmap(lambda i: of(totals, group == i, axes))(number)
    # Selected: what was not finite would never leave the sum.
    so_far = jnp.where(jnp.isfinite(so_far), so_far, 0)
    return Returns(so_far, merge(kept.statistics, new))


def scaled(kept: Returns, reward: Array, group: Array | None) -> Array:
    """[T, B] rewards in standard deviations of their group's returns."""
    scale = deviation(kept.statistics)
    scale = scale[0] if group is None else scale[group]
    return jnp.clip(reward / scale, -BOUND, BOUND)
