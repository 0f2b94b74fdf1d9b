"""Histories: what a source saw and did while it learned a task, on the record.

    trial of the source   0    1 ... k-1   k    k+1 ... 2k-1   2k
                       record  practice  record   practice   record

Of k = `source_every` trials the first is recorded; the others are practice in the same
task, off the record: they are played on a copy of the environment's state. So what is
recorded is one meta-episode of the environment, in which the source improves k times
as fast, and every observation is what an agent that acts would see: nothing is cut out
of it and glued together.

Lanes go on by themselves, for trials may take unequally long. A meta-episode that ends
before the record is full is followed by another, of a new task and a new source.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from agents.distill.sources import Experience, Source
from envs.contract.tabular import Table


class History(NamedTuple):
    """T steps of B sources. Index t is the decision taken on obs[t]."""

    obs: Any  # [T, B, ...]
    reset: Array  # [T, B] bool, obs[t] opens a meta-episode: a new task and source
    action: Array  # [T, B] int32
    reward: Array  # [T, B] float32, caused by action[t], as is the next
    trial_ended: Array  # [T, B] bool


class _Lane(NamedTuple):
    env_state: Any  # of the meta-episode that is recorded
    obs: Any
    reset: Array  # [] bool, `obs` opens it
    practice: Any  # of the practice, another such state
    left: Array  # [] int32, trials of practice that are still to be played
    trial: Array  # [] int32, recorded trials of this meta-episode that have ended
    memory: Any  # of the source
    at: Array  # [] int32, steps on the record


def record(
    key: Array,
    *,
    env: Any,
    env_params: Any,
    source: Source,
    table: Table,
    epsilon: Callable[[Array], Array],
    every: int,
    length: int,
    num_lanes: int,
    seed_axis: str | None = None,
) -> History:
    """Histories of new sources on new tasks, each from its first step on.

    Args:
      key: consumed.
      env: a meta-environment (`again(state)`, and `info` as `envs.meta.wrapper` has).
      env_params: its.
      source: who learns.
      table: of the environment's states.
      epsilon: from the number of a source's trial, [] int32, to its share of random
        actions, [].
      every: k.
      length: T, steps on the record.
      num_lanes: B.
      seed_axis: name of the axis over which this call is vmapped, if it is.
    """

    def begun(key: Array) -> _Lane:
        obs, state = env.reset(key, env_params)
        zero = jnp.zeros((), jnp.int32)
        opens = jnp.ones((), bool)
        return _Lane(state, obs, opens, state, zero, zero, source.begin(), zero)

    def step(lane: _Lane, key: Array) -> tuple[_Lane, History]:
        action_key, env_key = jax.random.split(key)
        recorded = lane.left == 0
        state = _where(recorded, lane.env_state, env.again(lane.practice))
        row = table.row(state, env_params)
        number = lane.trial * every - lane.left
        action = source.act(lane.memory, row, epsilon(number), action_key)
        obs, state, reward, terminated, truncated, info = env.step(
            env_key, state, action, env_params
        )
        reward, ended = reward.astype(jnp.float32), info["trial_ended"]
        seen = History(lane.obs, lane.reset, action, reward, ended)
        over = recorded & (terminated | truncated)
        next_row = table.row(state, env_params)
        ends = ended, info["trial_terminated"]
        learned = source.learn(
            lane.memory, Experience(row, action, reward, next_row, *ends)
        )
        # After the practice the record goes on where it stopped.
        left = jnp.where(recorded & ended, every - 1, lane.left - (~recorded & ended))
        trial = lane.trial + (recorded & ended)
        lane = _Lane(
            env_state=_where(recorded, state, lane.env_state),
            obs=_where(recorded, obs, lane.obs),
            reset=jnp.where(recorded, over, lane.reset),
            practice=state,
            left=jnp.where(over, 0, left).astype(jnp.int32),
            trial=jnp.where(over, 0, trial).astype(jnp.int32),
            memory=_where(over, source.begin(), learned),
            at=jnp.minimum(lane.at + recorded, length).astype(jnp.int32),
        )
        return lane, seen

    def unfinished(state: tuple[_Lane, History, Array]) -> Array:
        waits = (state[0].at < length).any()
        if seed_axis is None:
            return waits
        # The same for all seeds, or `vmap` would select between whole records.
        return jax.lax.pmax(waits.astype(jnp.int32), seed_axis) > 0

    def go_on(state: tuple[_Lane, History, Array]) -> tuple[_Lane, History, Array]:
        lanes, kept, number = state
        keys = jax.random.split(jax.random.fold_in(play_key, number), num_lanes)
        # What is practice, or after the end, has no place.
        place = jnp.where(lanes.left == 0, lanes.at, length)
        lanes, seen = jax.vmap(step)(lanes, keys)
        every_lane = jnp.arange(num_lanes, dtype=jnp.int32)
        kept = jax.tree.map(
            lambda all, new: all.at[place, every_lane].set(new, mode="drop"), kept, seen
        )
        return lanes, kept, number + 1

    begin_key, play_key = jax.random.split(key)
    keys = jax.random.split(begin_key, num_lanes)
    lanes = jax.vmap(begun)(keys)
    _, shapes = jax.eval_shape(jax.vmap(step), lanes, keys)
    empty = jax.tree.map(lambda x: jnp.zeros((length, *x.shape), x.dtype), shapes)
    state = lanes, empty, jnp.zeros((), jnp.int32)
    return jax.lax.while_loop(unfinished, go_on, state)[1]


def _where(chosen: Array, new: Any, old: Any) -> Any:
    return jax.tree.map(lambda x, y: jnp.where(chosen, x, y), new, old)


def falling(num_trials: int, every: int, share: float) -> Callable[[Array], Array]:
    """Epsilon by the number of a source's trial: 1 at first, linearly to 0.

    Args:
      num_trials: K, recorded trials of a meta-episode.
      every: k, trials of the source for each of them.
      share: of the recorded trials, in which it falls; the last of them has 0.
    """
    last = max((num_trials - 1) * every * share, 1)

    def epsilon(number: Array) -> Array:
        return jnp.maximum(1 - number.astype(jnp.float32) / last, 0)

    return epsilon
