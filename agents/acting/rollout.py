"""Collecting experience to learn from, step by step.

reset[t]  obs[t]  carry[t]
     \\      |      /
      policy, value          value[t], log_prob[t]
            |
        action[t]  -->  reward[t]  terminated[t]  truncated[t]  final_obs[t]
                        next_value[t] = V(final_obs[t], carry after t)
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp
from jax import Array

from agents.acting.axes import ALONE, Axes
from agents.acting.situation import Outcome, Policy, Situation, advance, read

Metrics = dict[str, Array]  # scalars by name


class Rollout(NamedTuple):
    """T steps of B environments. Index t is the decision taken on obs[t]."""

    obs: Any  # [T, B, ...]
    reset: Array  # [T, B] bool, obs[t] opens a segment
    action: Array  # [T, B, ...] as the policy's distribution counts it
    log_prob: Array  # [T, B] of action[t] under the policy that chose it
    value: Array  # [T, B]
    reward: Array  # [T, B] caused by action[t], as are all below
    terminated: Array  # [T, B] bool
    truncated: Array  # [T, B] bool
    continuation: Array  # [T, B] what the future is worth besides the discount, 0 to 1
    next_value: Array  # [T, B] of what action[t] led to, before any automatic reset
    ended_return: Array  # [T, B] of the episode that ended at t, else 0
    ended_length: Array  # [T, B] likewise


class Guide(Protocol):
    """Goes along with a rollout: sees every step, and may act in the policy's place.

    `state` is what it remembers, [B, ...], from step to step and rollout to rollout.
    """

    def before(
        self, state: Any, now: Situation, distribution: Any, action: Array, key: Array
    ) -> tuple[Any, Array, Any]:
        """`(state, action [B, ...] that is played, note [B, ...] to be kept)`.

        `distribution` [1, B] is the policy's, `action` [B, ...] was drawn from it.
        """
        ...

    def after(self, state: Any, outcome: Outcome) -> Any: ...


def collect(
    situation: Situation,
    key: Array,
    *,
    env: Any,
    env_params: Any,
    policy: Policy,
    to_env: Callable[[Array], Array],
    length: int,
    axes: Axes = ALONE,
) -> tuple[Situation, Rollout]:
    """Plays `length` steps in each environment.

    Args:
      situation: where to go on from.
      key: consumed.
      env: in the gymnax 1.x contract, with its `env_params`.
      policy: `(carry, obs, reset) -> (carry, distribution, value)` over [T, B].
      to_env: what the environment gets for an action of the distribution.
      length: T.
      axes: over which this call is mapped.

    Returns:
      `(situation, rollout)`. The memory that rollout.obs[0] meets is the carry of the
      situation that was passed in.
    """

    arguments = dict(env=env, env_params=env_params, policy=policy, to_env=to_env)
    situation, _, rollout, _ = collect_guided(
        *(situation, (), key), length=length, axes=axes, **arguments
    )
    return situation, rollout


def collect_guided(
    situation: Situation,
    state: Any,
    key: Array,
    *,
    env: Any,
    env_params: Any,
    policy: Policy,
    to_env: Callable[[Array], Array],
    length: int,
    axes: Axes = ALONE,
    guide: Guide | None = None,
) -> tuple[Situation, Any, Rollout, Any]:
    """As `collect`, with a guide, whose `state` is handed on beside the situation.

    Returns:
      `(situation, state, rollout, notes)`, notes [T, B, ...] of what the guide kept.
    """

    def step(carried, key):
        now, state = carried
        return _step(now, state, key, env, env_params, policy, to_env, axes, guide)

    keys = jax.random.split(key, length)
    (situation, state), (rollout, notes) = jax.lax.scan(step, (situation, state), keys)
    # Inside an episode, what action t led to is obs[t+1], whose value is already known.
    # Ended episodes are never read from here: `_step` valued the truncated ones, and a
    # terminated one is worth nothing.
    _, _, last_value = read(policy, situation.carry, situation.obs, situation.reset)
    following = jnp.concatenate([rollout.value[1:], last_value[None]])
    next_value = jnp.where(rollout.truncated, rollout.next_value, following)
    return situation, state, rollout._replace(next_value=next_value), notes


def _step(now: Situation, state, key, env, env_params, policy, to_env, axes, guide):
    action_key, env_key, *more = jax.random.split(key, 2 if guide is None else 3)
    carry, distribution, value = read(policy, now.carry, now.obs, now.reset)
    action, note = distribution.sample(action_key)[0], ()
    if guide is not None:
        state, action, note = guide.before(state, now, distribution, action, *more)
    situation, outcome = advance(
        now, carry, action, env_key, env=env, env_params=env_params, to_env=to_env
    )
    cut = outcome.truncated & ~outcome.terminated
    transition = Rollout(
        obs=now.obs,
        reset=now.reset,
        action=action,
        log_prob=distribution.log_prob(action[None])[0],
        value=value,
        reward=outcome.reward,
        terminated=outcome.terminated,
        truncated=outcome.truncated,
        continuation=outcome.continuation,
        next_value=_value_where(cut, policy, carry, outcome.final_obs, axes),
        ended_return=jnp.where(situation.reset, outcome.episode_return, 0),
        ended_length=jnp.where(situation.reset, outcome.episode_length, 0),
    )
    if guide is not None:
        state = guide.after(state, outcome)
    return (situation, state), (transition, note)


def _value_where(cut: Array, policy, carry, final_obs, axes) -> Array:
    """[B] V(final_obs) read with the memory of the episode that `cut` ended, else 0.

    Costs nothing in a step that cuts no episode. Under `vmap` a `cond` would become a
    `select` and always pay; its predicate must be the same for all that is vmapped.
    Devices need not agree: each decides for its own lanes.
    """
    any_cut = axes.any(cut.any())
    goes_on = jnp.zeros_like(cut)

    def value():
        return read(policy, carry, final_obs, goes_on)[2]

    return jax.lax.cond(any_cut, value, lambda: jnp.zeros(cut.shape, jnp.float32))


def rollout_metrics(rollout: Rollout, own: Array | None = None) -> Metrics:
    """What was collected, in scalars; `episode/*` are totals.

    Of the episodes whose end is in `own` [T, B] bool, where it is given: those that the
    policy played alone.
    """
    ended = rollout.terminated | rollout.truncated
    if own is not None:
        ended = ended & own
    return {
        "rollout/reward": rollout.reward.mean(),
        "episode/count": ended.sum(dtype=jnp.int32),
        "episode/return": jnp.where(ended, rollout.ended_return, 0).sum(),
        "episode/length": jnp.where(ended, rollout.ended_length, 0).sum(
            dtype=jnp.int32
        ),
        "rollout/value": rollout.value.mean(),
    }
